"""`make bench`: the real service under load, beside PostgreSQL's own benchmark on the same server."""
