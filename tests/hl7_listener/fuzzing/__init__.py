"""Fuzzing of the listener: any bytes are answered, and none is answered "none known" that nobody could read."""
