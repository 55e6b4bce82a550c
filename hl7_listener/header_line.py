"""The MSH line in raw bytes, before a character set is known.

Character sets, fingerprints and acknowledgement headers start from it; the reader itself works on text.
"""

import re

_HEADER_LINE = re.compile(rb"MSH([^\w\s])[^\r\n]*")


def find_header_line(raw: bytes) -> re.Match[bytes] | None:
    """The first MSH line, group 1 being the field separator. Field n stands at n - 1 when group 0 is split by it."""
    return _HEADER_LINE.search(raw)
