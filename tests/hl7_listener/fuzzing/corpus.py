"""What fuzzing begins with: every message and query that the tests, the examples and the benchmark send, and nasty ones by hand.

`mutate` takes them apart and puts them together wrongly.
"""

from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

from bench.adt import registrations
from bench.people import patient
from hl7_listener.framing import frame
from tests.hl7_listener.queries import q21, q22
from tests.hl7_listener.samples import NAMES, adt, sample

ROOT = Path(__file__).resolve().parents[3]
FOUND = Path(__file__).parent / "found"
"""Frames that once broke a promise, each a file."""

A04 = sample("a04_emergency")
HEADER = rb"MSH|^~\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105101530||ADT^A04|NL1|P|2.4"
NASTY = (
    b"",
    b"MSH",
    b"MSH|",
    b"MSH|^~\\&",
    b"\0\0\0",
    b"\xff\xfe" + A04.decode().encode("utf-16-le"),
    b"\xef\xbb\xbf" + A04,
    A04.replace(b"\r", b"\n"),
    A04.replace(b"\r", b"\r\n"),
    A04.replace(b"\r", b"\n\r"),
    A04.replace(b"\r", b""),
    A04.replace(b"|", b"\r"),
    A04.replace(b"PID|", b"PID"),
    A04.replace(b"\rPID|", b"\r PID|"),
    A04.replace(b"\rPID|", b"\rpid|"),
    A04.replace(b"MSH|^~\\&|", b"MSH|^~\\\\&|"),
    A04.replace(b"MSH|^~\\&|", b"MSH||||||"),
    A04.replace(b"^NHS^NH", b"^NHS&2.16.840.1.113883.2.1.4.1&ISO"),
    A04.replace(b"9990000018", b"999 000 0018"),
    A04.replace(b"9990000018", b"999\\X20\\000 0018"),
    A04.replace(b"9990000018", b"9990000019"),
    A04.replace(b"633^^^R0A^MR", b"9990000026^^^NHS^NH"),
    A04.replace(b"633^^^R0A^MR~9990000018^^^NHS^NH", b"~" * 5_000),
    A04.replace(b"Amelia", b"\\X00\\\\XFF\\\\.br\\\\E\\"),
    A04.replace(b"Amelia", b"\\" * 3_000),
    A04.replace(b"20190304", b"99999999999999999999"),
    A04.replace(b"20261105101530", b"00010101000000+1400"),
    A04.replace(b"20261105101200", b"99991231235959-1400"),
    A04.replace(b"V2026110500417", b"V" * 5_000),
    A04 + A04,
    HEADER + b"|||AL|AL\rPID|1||9990000018^^^NHS^NH\r",
    HEADER + b"|||NE|NE\rPID|1||9990000018^^^NHS^NH\r",
    HEADER + b"|||NE|NE\r",
    HEADER.replace(b"ADT^A04", b"ACK") + b"\rMSA|AA|1\r",
    b"FHS|^~\\&|PAS|R0A01\rBHS|^~\\&|PAS|R0A01\r" + A04 + sample("oru_r01") + b"BTS|2\rFTS|1\r",
    b"BHS|^~\\&|PAS|R0A01\rjunk\r" + A04 + b"BTS|99\rBHS|^~\\&\r" + A04,
    b"\x0bMSH|\x0b" + A04 + b"\x1c\r\x1c\rjunk" + frame(A04) + b"\x0b",
    q22("@PID.3.1^9990000018"),
    q22("@PID.3^9990000018\\S\\\\S\\\\S\\NHS\\S\\NH"),
    q21("9990000018^^^NHS^NH~9990000026^^^NHS^NH"),
)


def corpus() -> list[bytes]:
    """The seeds; each is a message, or a stream where it holds frame marks."""
    at = datetime(2026, 11, 5, 10, 15, tzinfo=UTC)
    made = [each.message for each in islice(registrations("F", ["R0A01"], map(patient, count()), at), 2)]
    examples = [path.read_bytes() for path in sorted((ROOT / "docs" / "examples").glob("*.hl7"))]
    found = [path.read_bytes() for path in sorted(FOUND.glob("*.hl7"))]
    events = [
        adt("PID|1||9990000018^^^NHS^NH", "MRG|633", "PID|2||9990000026^^^NHS", "PV1|1|E", event=f"A{n:02}") for n in range(1, 64)
    ]
    return [*map(sample, NAMES), q21(), q22(), *made, *examples, *NASTY, *events, *found]
