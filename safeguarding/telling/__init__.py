"""Telling people: whose rules hold, what goes on with an alert, and what both sides write about it."""
