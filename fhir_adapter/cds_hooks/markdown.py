"""Words that others chose, put into markdown so that they stay words; and sentences cut to a length. Pure.

`wording` makes the text of a card with it. Source: GitHub Flavored Markdown; CDS Hooks 2.0, "Card Attributes".
"""

import re

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SPECIAL = re.compile(r"[\\`*_\[\]#!|~&<>@]|(?<=\w)(:(?=//)|\.(?=\w*[a-zA-Z]))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def on_one_line(text: str) -> str:
    """Without line breaks and control characters, and with single spaces."""
    return " ".join(_CONTROL.sub(" ", text).split())


def escaped(text: str) -> str:
    """Text that a renderer shows as it is where it stands after other words: no mark-up, no HTML, no link, on one line."""
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), on_one_line(text))


def width(text: str) -> int:
    """Characters as a browser counts them (UTF-16 code units): never fewer than anybody else does."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def shortened(text: str, longest: int) -> str:
    """The text, or as much of it as fits with an ellipsis behind it."""
    if width(text) <= longest:
        return text
    while text and width(text) + 1 > longest:
        text = text[:-1]
    return f"{text.rstrip()}…" if longest > 0 else ""
