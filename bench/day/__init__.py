"""`make bench-day`: 24 hours of a 445-bed hospital's feed, replayed as fast as the service takes it, and counted afterwards."""
