"""Query strings and forms, bytes to (name, value) pairs; what is not clean UTF-8 text is refused whole.

`app` joins those of the address and of the body; `search` says what they mean. Source: URL Standard, urlencoded parsing.
"""

import re
from urllib.parse import parse_qsl

from fhir_adapter.errors import INVALID_SEARCH, Refused
from fhir_adapter.http import check_length

Pairs = list[tuple[str, str]]

_MOST = 50
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def read_pairs(raw: bytes) -> Pairs:
    """The pairs in their order. Raises Refused for broken escapes, other encodings, control characters and too many."""
    if not raw:
        return []
    check_length(raw)
    if _BROKEN_ESCAPE.search(raw):
        raise Refused(INVALID_SEARCH, "The search holds a % that is not followed by two hexadecimal digits.")
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError:
        raise Refused(INVALID_SEARCH, f"The search is not UTF-8, or has more than {_MOST} parameters.") from None
    if any(_CONTROL.search(part) for pair in pairs for part in pair):
        raise Refused(INVALID_SEARCH, "The search holds a control character.")
    return pairs
