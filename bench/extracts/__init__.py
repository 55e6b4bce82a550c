"""A national snapshot: how fast an extract of each format loads beside COPY, in how much memory, and what the desk feels of it."""
