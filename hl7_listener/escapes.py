"""Delimiters and escape sequences: what is structure in a message, and what only looks like it.

The reader takes the delimiters from MSH-1 and MSH-2 and unescapes a value when it is read; renderers escape.
Source: HL7 v2.5.1 sections 2.5.4 (delimiters) and 2.7 (escape sequences); `\\P\\` from v2.7.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from hl7_listener.charsets import to_text
from hl7_listener.errors import ErrorCode, Location, Unreadable

_RECOMMENDED = "^~\\&"
_LONGEST_ENCODING_CHARACTERS = 5


@dataclass(frozen=True, slots=True)
class Delimiters:
    """One character each, no two alike. `truncation` came with 2.7 and may be empty."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    @property
    def encoding_characters(self) -> str:
        """As MSH-2 declares them."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


STANDARD = Delimiters()


def read_delimiters(text: str) -> Delimiters:
    """The delimiters of a message whose first characters are MSH.

    A short MSH-2 is completed with the recommended characters. Raises Unreadable where one is a letter, digit or blank, or not
    ASCII: such a one has other bytes in another character set.
    """
    separator = text[3:4]
    end = text.find(separator, 4, 5 + _LONGEST_ENCODING_CHARACTERS) if separator else -1
    declared = text[4 : end if end != -1 else 4 + _LONGEST_ENCODING_CHARACTERS].partition("\r")[0].partition("\n")[0]
    return _delimiters(separator, declared)


@lru_cache(maxsize=256)
def _delimiters(separator: str, declared: str) -> Delimiters:
    if not separator or not _can_delimit(separator):
        raise Unreadable("the field separator is no delimiter", ErrorCode.DATA_TYPE, Location("MSH", 1))
    if not all(map(_can_delimit, declared)):
        raise Unreadable("an encoding character is no delimiter", ErrorCode.DATA_TYPE, Location("MSH", 2))
    # A sender that escaped the backslash twice sends ^~\\&: what stands twice counts once.
    characters = [character for character in dict.fromkeys(declared) if character != separator]
    spare = [character for character in _RECOMMENDED + "$!*%" if character not in (*characters, separator)]
    for position, recommended in enumerate(_RECOMMENDED):
        if position >= len(characters):
            characters.append(recommended if recommended in spare else spare[0])
            spare.remove(characters[-1])
    component, repetition, escape, subcomponent, *truncation = characters
    return Delimiters(separator, component, repetition, escape, subcomponent, "".join(truncation[:1]))


def _can_delimit(character: str) -> bool:
    return character.isascii() and not character.isalnum() and character.isprintable() and character != " "


def escape(text: str, delimiters: Delimiters = STANDARD) -> str:
    """The text with nothing in it that a reader could take for structure or for the end of a frame."""
    return text.translate(_escapes(delimiters))


@lru_cache(maxsize=256)
def _escapes(delimiters: Delimiters) -> dict[int, str]:
    mark = delimiters.escape
    table = {code: f"{mark}X{code:02X}{mark}" for code in (*range(32), 127)}
    table |= {ord(character): f"{mark}{letter}{mark}" for letter, character in _letters(delimiters).items()}
    return table


def _letters(delimiters: Delimiters) -> dict[str, str]:
    letters = {
        "F": delimiters.field,
        "S": delimiters.component,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "T": delimiters.subcomponent,
        "P": delimiters.truncation,
    }
    return {letter: character for letter, character in letters.items() if character}


def unescape(text: str, delimiters: Delimiters = STANDARD, encoding: str = "utf-8") -> str:
    """What the sender meant. `encoding` is the message's, for the bytes of `\\Xdd..\\`.

    What is no escape sequence of the standard stays as it stands, such as the backslashes of a path.
    """
    if delimiters.escape not in text:
        return text
    return _sequence(delimiters).sub(_meaning(delimiters, encoding), text)


@lru_cache(maxsize=256)
def _sequence(delimiters: Delimiters) -> re.Pattern[str]:
    mark = re.escape(delimiters.escape)
    return re.compile(
        f"(?P<hex>(?:{mark}X(?:[0-9A-Fa-f]{{2}})+{mark})+)"
        f"|{mark}(?:(?P<letter>[{''.join(_letters(delimiters))}])"
        r"|(?P<line>\.(?:br|BR|ce|sp[0-9]{0,4}))"
        r"|(?P<blank>\.sk[0-9]{0,4})"
        rf"|[HN]|\.(?:in|ti)[+-]?[0-9]{{0,4}}|\.fi|\.nf|C[0-9A-Fa-f]{{4}}|M[0-9A-Fa-f]{{4,6}}){mark}"
    )


@lru_cache(maxsize=256)
def _meaning(delimiters: Delimiters, encoding: str) -> Callable[[re.Match[str]], str]:
    letters = _letters(delimiters)

    def meaning(sequence: re.Match[str]) -> str:
        match sequence.lastgroup:
            case "letter":
                return letters[sequence["letter"]]
            case "hex":
                digits = sequence["hex"].replace(delimiters.escape + "X", "").replace(delimiters.escape, "")
                return to_text(bytes.fromhex(digits), encoding)[0].replace("\0", "")
            case "line":
                return "\n"
            case "blank":
                return " "
            case _:
                return ""

    return meaning
