"""Pages of a list that is longer than a screen: which one was asked for, and how many there are. Pure."""

import math

_LAST = 1_000_000


def page_asked(number: int) -> int:
    """The page, from 1; whatever was typed into the address stays within what a database can count."""
    return min(max(number, 1), _LAST)


def pages_of(rows: int, on_a_page: int) -> int:
    """How many pages so many rows take; an empty list has one."""
    return max(1, math.ceil(rows / on_a_page))
