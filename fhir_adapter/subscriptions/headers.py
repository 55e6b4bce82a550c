"""The headers that a subscriber wants with each call: kept as secrets, sent as they are, and never given back. Pure.

`reader` checks them and keeps those that are only masked; `resource` masks; `calls` sends them.
Source: FHIR R4 Subscription.channel.header; RFC 9110, section 5.
"""

import re
from collections.abc import Mapping, Sequence

from fhir_adapter.encounters.problems import bad

MASK = "********"
"""Stands where a value was. Sent back to us, it means the value that is held."""

MOST = 10
_LONGEST = 2048
_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ \t]*")
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-request-id",
    }
)  # fmt: skip
_EXPRESSION = "Subscription.channel.header"


def read_headers(lines: Sequence[str], held: Sequence[str]) -> tuple[str, ...]:
    """The lines, "Name: value" each, with what is held in place of a mask. Raises BadResource; a value is never quoted."""
    if len(lines) > MOST or any(len(line) > _LONGEST for line in lines):
        raise bad("too-long", _EXPRESSION, f"A subscription has {MOST} headers at most, of {_LONGEST} characters.")
    values = to_mapping(held)
    read: dict[str, str] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if not found:
            raise bad("value", _EXPRESSION, 'A header is written as "Name: value", in ASCII.')
        name, value = found.groups()
        if name.lower() in _OURS:
            raise bad("business-rule", _EXPRESSION, f"This header is Nightlight's own to set. So are {', '.join(sorted(_OURS))}.")
        if name.lower() in {each.lower() for each in read}:
            raise bad("duplicate", _EXPRESSION, "A header is there twice.")
        if value == MASK:
            kept = next((each for known, each in values.items() if known.lower() == name.lower()), None)
            if kept is None:
                raise bad("value", _EXPRESSION, "A header has a mask for a value, and no value is held.")
            value = kept
        read[name] = value
    return tuple(f"{name}: {value}" for name, value in read.items())


def to_mapping(lines: Sequence[str]) -> Mapping[str, str]:
    """By name, as they go out."""
    return {name: value for name, _, value in (line.partition(": ") for line in lines)}


def masked(lines: Sequence[str]) -> list[str]:
    """As they are given back."""
    return [f"{name}: {MASK}" for name in to_mapping(lines)]
