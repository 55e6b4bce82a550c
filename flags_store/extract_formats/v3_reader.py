"""Reading the national upload (HL7 V3): bytes in, piece by piece; records and row errors out, or one error of the whole file.

`opening` chooses it, `stage` pulls. Each plan of a record becomes the ten columns of CSV; after that there is one path.
No DOCTYPE, no entity and nothing outside the file is ever read, and memory does not grow with the file.
Source: docs/facts.md, section 4; docs/authority/hl7-v3-and-mesh.md.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import BinaryIO
from xml.parsers.expat import errors

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from domain.extract import FileFormat, Scope
from flags_store.extract_formats.reading import Came, Envelope, Terms, UnreadableExtract
from flags_store.extract_formats.v3_file import TooDeep, V3Header, V3Target
from flags_store.extract_formats.v3_rows import to_came
from flags_store.extracts.codes import FileCode, NoteCode
from flags_store.extracts.record import Note

INTERACTIONS = frozenset({"urn:GB-en-NHS:iops:interaction:CP-ISLocalAuthorityUpload-v1-0"})
PIECE = 65_536
LONGEST_TOKEN = 1_048_576
"""Bytes of one tag, with its attributes; more is no upload."""

_WRONG_ENCODING = {errors.codes[errors.XML_ERROR_INCORRECT_ENCODING], errors.codes[errors.XML_ERROR_UNKNOWN_ENCODING]}
_CUT = {
    errors.codes[name] for name in (errors.XML_ERROR_NO_ELEMENTS, errors.XML_ERROR_UNCLOSED_TOKEN, errors.XML_ERROR_PARTIAL_CHAR)
}
_INVALID = errors.codes[errors.XML_ERROR_INVALID_TOKEN]
_TIME = re.compile(r"([0-9]{14})(?:\.[0-9]+)?([+-])([0-9]{2})([0-9]{2})")


@dataclass(frozen=True, slots=True)
class V3Envelope(Envelope):
    """With the phones that the file gives, by their use: EC emergency duty, WP office hours."""

    phones: Mapping[str, str] = field(default_factory=dict)


class V3Reader:
    """A CP-IS local authority upload. `envelope` is what stands before the first record, and whole once all is read."""

    def __init__(self, stream: BinaryIO, terms: Terms) -> None:
        self._stream, self._terms = stream, terms
        self._target = V3Target()
        self._parser = DefusedXMLParser(target=self._target, forbid_dtd=True)
        self._fed, self._before, self._is_more = 0, b"", True
        while self._is_more and not self._target.has_begun:
            self._feed()
        self.envelope: Envelope = self._check_header()

    def records(self) -> Iterator[Came]:
        """Everything in it, once. Raises UnreadableExtract."""
        line, found = 0, 0
        while self._is_more or self._target.records:
            while self._target.records:
                record = self._target.records.popleft()
                for came in to_came(line, record, is_production=self._terms.is_production):
                    line += 1
                    yield came
                found += 1
            if self._is_more:
                self._feed()
        if not found:
            raise UnreadableExtract(FileCode.NO_RECORDS)
        self.envelope = self._check_header()
        yield from self._differing_count(found)

    def _differing_count(self, found: int) -> Iterator[Note]:
        said = self.envelope.quantity
        if said is not None and said != found:
            yield Note(NoteCode.QUANTITY_DIFFERS, detail={"said": said, "found": found})

    def _feed(self) -> None:
        """One piece on. Raises UnreadableExtract."""
        piece = self._stream.read(PIECE)
        self._is_more = bool(piece)
        try:
            if piece:
                self._parser.feed(piece)
            else:
                self._parser.close()
        except DefusedXmlException:
            raise UnreadableExtract(FileCode.UNSAFE_XML) from None
        except TooDeep:
            raise UnreadableExtract(FileCode.OVERSIZED_XML) from None
        except ParseError as error:
            raise _unreadable(error, self._before + piece) from None
        except (LookupError, ValueError):  # of an encoding that nobody knows, or of which a character has several bytes
            raise UnreadableExtract(FileCode.WRONG_ENCODING) from None
        self._check_root()
        self._fed, self._before = self._fed + len(piece), piece
        if piece and self._fed - max(0, self._parser.parser.CurrentByteIndex) > LONGEST_TOKEN:
            raise UnreadableExtract(FileCode.OVERSIZED_XML)

    def _check_root(self) -> None:
        if self._target.root not in {"", "File"}:
            raise UnreadableExtract(FileCode.WRONG_ROOT)

    def _check_header(self) -> Envelope:
        header = self._target.header
        if header.interaction and header.interaction not in INTERACTIONS:
            raise UnreadableExtract(FileCode.UNSUPPORTED_INTERACTION)
        if any(sender.casefold() != self._terms.authority_code.casefold() for sender in header.senders):
            raise UnreadableExtract(FileCode.WRONG_SENDER)
        return to_envelope(header, self._terms.authority_code)


def to_envelope(header: V3Header, authority_code: str) -> V3Envelope:
    """What the file says of itself. Raises UnreadableExtract where it has no sequence number."""
    sequence = _whole(header.sequence)
    if sequence is None:
        raise UnreadableExtract(FileCode.NO_SEQUENCE_NUMBER)
    return V3Envelope(
        FileFormat.V3, Scope.PARTIAL, sequence, to_instant(header.created), _whole(header.quantity),
        authority_code if header.senders else None, dict(header.phones),
    )  # fmt: skip


def to_instant(timestamp: str) -> datetime | None:
    """An HL7 timestamp of a second with its offset, in UTC; None for anything less, of which nobody knows which hour it is."""
    match = _TIME.fullmatch(timestamp)
    if match is None:
        return None
    digits, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _whole(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def _unreadable(error: ParseError, near: bytes) -> UnreadableExtract:
    """Which way a file is broken. What stands there is not told: it names a child."""
    line = error.position[0]
    if error.code in _WRONG_ENCODING or (error.code == _INVALID and not _is_utf8(near)):
        return UnreadableExtract(FileCode.WRONG_ENCODING)
    return UnreadableExtract(FileCode.CUT_XML if error.code in _CUT else FileCode.BROKEN_XML, line)


def _is_utf8(near: bytes) -> bool:
    """Whether a stretch of a file can be UTF-8; it may begin and end within a character."""
    begun = near.lstrip(bytes(range(0x80, 0xC0)))
    try:
        begun.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(begun) and error.reason == "unexpected end of data"
    return True
