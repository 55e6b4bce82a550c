"""Why a message could not be taken, in the words and codes of HL7.

The reader and the mapping raise Unreadable; the acknowledgement renders it as AE with an ERR segment.
Source: HL7 v2.5.1 section 2.15.5 (ERR) and table 0357 (message error condition codes).
"""

from dataclasses import dataclass
from enum import IntEnum

from domain.errors import InvalidInput


class ErrorCode(IntEnum):
    """HL7 table 0357. The first is no error: a segment that brings information must name a code too."""

    MESSAGE_ACCEPTED = 0
    SEGMENT_SEQUENCE = 100
    REQUIRED_FIELD = 101
    DATA_TYPE = 102
    TABLE_VALUE = 103
    UNSUPPORTED_MESSAGE_TYPE = 200
    UNSUPPORTED_EVENT = 201
    UNSUPPORTED_PROCESSING_ID = 202
    UNSUPPORTED_VERSION = 203
    UNKNOWN_KEY = 204
    DUPLICATE_KEY = 205
    RECORD_LOCKED = 206
    INTERNAL = 207

    @property
    def words(self) -> str:
        """The text of table 0357."""
        return ERROR_WORDS[self]


ERROR_WORDS = {
    ErrorCode.MESSAGE_ACCEPTED: "Message accepted",
    ErrorCode.SEGMENT_SEQUENCE: "Segment sequence error",
    ErrorCode.REQUIRED_FIELD: "Required field missing",
    ErrorCode.DATA_TYPE: "Data type error",
    ErrorCode.TABLE_VALUE: "Table value not found",
    ErrorCode.UNSUPPORTED_MESSAGE_TYPE: "Unsupported message type",
    ErrorCode.UNSUPPORTED_EVENT: "Unsupported event code",
    ErrorCode.UNSUPPORTED_PROCESSING_ID: "Unsupported processing id",
    ErrorCode.UNSUPPORTED_VERSION: "Unsupported version id",
    ErrorCode.UNKNOWN_KEY: "Unknown key identifier",
    ErrorCode.DUPLICATE_KEY: "Duplicate key identifier",
    ErrorCode.RECORD_LOCKED: "Application record locked",
    ErrorCode.INTERNAL: "Application internal error",
}


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a message: segment, which of that name (from 1), and the field (0 for the whole segment)."""

    segment: str
    field: int = 0
    sequence: int = 1

    def __str__(self) -> str:
        """Such as "PID-3", for people."""
        return f"{self.segment}-{self.field}" if self.field else self.segment


class Unreadable(InvalidInput):
    """The message cannot be taken as it is, and sending the same again cannot help.

    `reason` is one sentence without anything from the message's content: it goes on the wire, into logs and on a page.
    """

    def __init__(self, reason: str, code: ErrorCode, location: Location | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.location = location
