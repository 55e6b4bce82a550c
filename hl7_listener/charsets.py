"""Character sets: bytes of a message to text, whatever MSH-18 says about them.

The reader calls `decode` once per message. The raw bytes are kept beside the text, so a wrong guess loses nothing.
Source: HL7 v2.5.1 section 2.15.9.18 and table 0211 (alternate character sets).
"""

import re
from codecs import BOM_UTF8

from hl7_listener.header_line import find_header_line

CHARACTER_SETS = {
    "ASCII": "ascii",
    "8859/1": "cp1252",
    "8859/2": "iso8859-2",
    "8859/3": "iso8859-3",
    "8859/4": "iso8859-4",
    "8859/5": "iso8859-5",
    "8859/6": "iso8859-6",
    "8859/7": "iso8859-7",
    "8859/8": "iso8859-8",
    "8859/9": "iso8859-9",
    "8859/15": "iso8859-15",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "WINDOWS-1252": "cp1252",
}
"""Table 0211, as far as one byte or UTF-8 goes, with two names that are sent although the table lacks them.

8859/1 is read as its superset windows-1252, as browsers do: where they differ, nobody means the control character.
"""

_LAST_RESORTS = ("utf-8", "cp1252")


def decode(raw: bytes, site_default: str = "") -> tuple[str, str]:
    """The text, and the name of Python's codec that gave it ("ascii" where every character set gives the same).

    In this order: MSH-18, the site's default (a name of CHARACTER_SETS), UTF-8, windows-1252. What is said to be 8859/1 or
    windows-1252 and is UTF-8 throughout is UTF-8: many engines say the one and send the other.
    """
    if raw.isascii():
        return raw.decode("ascii"), "ascii"
    if raw.startswith(BOM_UTF8):
        return to_text(raw.removeprefix(BOM_UTF8), "utf-8")
    declared, default = codec(declared_character_set(raw)), codec(site_default)
    return to_text(raw, *["utf-8"] * ((declared or default) == "cp1252"), declared, default)


def to_text(data: bytes, *codecs: str) -> tuple[str, str]:
    """The text by the first codec that takes every byte, then UTF-8, then windows-1252; empty names are passed over."""
    for name in (*filter(None, codecs), *_LAST_RESORTS):
        try:
            return data.decode(name), name
        except UnicodeDecodeError:
            continue
    return data.decode("cp1252", "replace"), "cp1252"


def codec(character_set: str) -> str:
    """Python's name of a character set, with the spellings that are met in feeds; empty where it is not known."""
    return _BY_SPELLING.get(_plain(character_set), "")


def declared_character_set(raw: bytes) -> str:
    """MSH-18 as it was sent (the first, where several are named), or nothing."""
    header = find_header_line(raw)
    if header is None:
        return ""
    fields = header[0].split(header[1], 18)
    return fields[17].decode("ascii", "replace").partition("~")[0].strip() if len(fields) > 17 else ""


def _plain(character_set: str) -> str:
    return re.sub(r"[^0-9A-Z]", "", character_set.upper()).removeprefix("ISO")


_BY_SPELLING = {_plain(name): python_name for name, python_name in CHARACTER_SETS.items()}
