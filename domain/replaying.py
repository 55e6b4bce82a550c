"""A held message is read and taken once more: what the quarantine asks of the HL7 door, which stands above it.

`hl7_listener` implements it, `nightlight` hands it to the page and to the command (docs/hl7.md, "Quarantine").
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message cannot be taken: one sentence without anything from its content, and a code of HL7 table 0357."""

    reason: str
    error_code: str


@dataclass(frozen=True, slots=True)
class SegmentText:
    """One segment for a person's eyes: its name, and each field that is not empty with its position from 1."""

    name: str
    fields: tuple[tuple[int, str], ...]


class HeldMessages(Protocol):
    """The door through which a held message goes again."""

    async def take_again(self, raw: bytes, address: str, certificate: str | None) -> Refusal | None:
        """Take the bytes as if they came from the wire now, from that sender; None once they are taken and on disk.

        What was taken before is a repeat and does nothing twice. Raises Temporary where it must be tried later.
        """
        ...

    def read(self, raw: bytes) -> tuple[SegmentText, ...]:
        """The message's segments, as far as anything can be told of it. Never raises."""
        ...
