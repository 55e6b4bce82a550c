"""Wrong messages from right ones: what engines, networks, editors and people do to bytes, by a seeded random.

The plain campaign makes every frame with it; the guided one mixes it with the mutations that libFuzzer makes.
"""

from collections.abc import Callable, Sequence
from random import Random

from hl7_listener.framing import END, START, frame

LONGEST = 8_192

DELIMITERS = b"|^~\\&"
SPECIAL = (
    b"\r", b"\n", b"\r\n", b"\0", b"\x0b", b"\x1c", b"\x1c\r", b"\x1c\r\x0b", b"|", b"^", b"~", b"\\", b"&", b'""', b" ", b"\t",
    b"\xff", b"\xc3\xab", b"\xeb", b"\xe2\x80\xa8", b"\xc2\x85", b"\xc2\xa0", b"\xd9\xa3", b"\x85", b"\xef\xbb\xbf",
    b"\\F\\", b"\\S\\", b"\\T\\", b"\\R\\", b"\\E\\", b"\\.br\\", b"\\X0D\\", b"\\X0B1C0D\\", b"\\X00\\", b"\\XED\\",
    b"\rMSH|", b"\rPID|", b"\rPV1|", b"\rMRG|", b"\rBHS|", b"\rBTS|1", b"\rZZZ|", b"MSH", b"PID", b"NHS", b"NH", b"NI", b"MR",
)  # fmt: skip
NUMBERS = (
    b"9990000018", b"999 000 0018", b"999-000-0018", b" 9990000018 ", b"9990000019", b"9990000026", b"999000001", b"99900000180",
    b"0000000000", b"1234567890", b"\xd9\xa999990000018", b"9990000018&9990000026", b"999\\X20\\0000018", b"9990000018\n",
)  # fmt: skip
IDENTIFIERS = tuple(
    number + rest
    for number in NUMBERS
    for rest in (b"", b"^^^NHS^NH", b"^^^NHS", b"^^^^NH", b"^^^^NI", b"^^^R0A^MR", b"^^^R0A^NH", b"^^^NHS^MR", b"^^^nhs number^nh")
)  # fmt: skip
VALUES = (
    b"", b'""', b"AL", b"NE", b"ER", b"SU", b"XX", b"T", b"D", b"P", b"2.1", b"2.4", b"2.5.1", b"2.8.2", b"2.4.1", b"9.9", b"2",
    b"8859/1", b"8859/15", b"UNICODE", b"UNICODE UTF-8", b"ASCII", b"KLINGON", b"8859/1~UNICODE", b"R0A01", b"R0A02", b"R0Z99",
    b"ADT^A01", b"ADT^A03", b"ADT^A08", b"ADT^A28", b"ADT^A31", b"ADT^A37", b"ADT^A40^ADT_A39", b"ADT^A99", b"ADT", b"QBP^Q22",
    b"ACK", b"ORU^R01", b"20261105", b"2026-11-05 10:15:30", b"20261105101530.1234+0000", b"20260230", b"00000000",
    b"99991231235959-1400", b"12", b"E", b"O", b"MTH", b"9" * 400, b"x" * 2_000, b"NSTS01", b"NSTS02",
)  # fmt: skip

Mutation = Callable[[Random, bytes, Sequence[bytes]], bytes]


def mutate(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """The data after one to six mutations, at most LONGEST bytes."""
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4, 6))):
        data = random.choice(MUTATIONS)(random, data, seeds)
    return data[:LONGEST]


def as_stream(data: bytes) -> bytes:
    """The data as a connection sends it: framed, unless it brings its own marks."""
    return data if START in data and END in data else frame(data)


def pieces(random: Random, stream: bytes) -> list[bytes]:
    """The stream in a few reads, or now and then byte by byte."""
    if len(stream) < 300 and random.random() < 0.05:
        return [stream[at : at + 1] for at in range(len(stream))]
    cuts = sorted(random.randrange(len(stream) + 1) for _ in range(random.choice((0, 0, 1, 2, 5))))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def _segments(data: bytes) -> list[bytes]:
    return data.split(b"\r")


def _change_field(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    segments = _segments(data)
    at = random.randrange(len(segments))
    fields = segments[at].split(b"|")
    number = random.randrange(len(fields) + 1)
    value = random.choice((*VALUES, random.choice(IDENTIFIERS), random.choice(SPECIAL)))
    segments[at] = b"|".join([*fields[:number], value, *fields[number + 1 :]])
    return b"\r".join(segments)


def _change_identifier(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    segments = _segments(data)
    places = [at for at, segment in enumerate(segments) if segment[:3] in {b"PID", b"MRG", b"QPD", b"NK1"}]
    if not places:
        return data
    at = random.choice(places)
    fields = segments[at].split(b"|")
    number = random.choice((1, 2, 3, 3, 3, 3, 4, 21, 33))
    fields += [b""] * (number + 1 - len(fields))
    fields[number] = b"~".join(random.choices(IDENTIFIERS, k=random.choice((1, 1, 2, 3))))
    segments[at] = b"|".join(fields)
    return b"\r".join(segments)


def _change_header(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    header, end, rest = data.partition(b"\r")
    fields = header.split(b"|")
    number = random.choice((3, 8, 8, 8, 9, 10, 11, 14, 15, 17))
    fields += [b""] * (number + 1 - len(fields))
    fields[number] = random.choice(VALUES)
    return b"|".join(fields) + end + rest


def _change_delimiter(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    old = random.choice(DELIMITERS)
    new = random.choice(DELIMITERS + b"#$!*%@;,A \r\n\x0b\xa7\xac\0")
    return data.replace(bytes([old]), bytes([new]))


def _insert(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(SPECIAL) * random.choice((1, 1, 1, 2, 30)) + data[at:]


def _overwrite(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    junk = random.randbytes(random.choice((1, 1, 2, 4)))
    return data[:at] + junk + data[at + len(junk) :]


def _delete(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.choice((1, 1, 2, 8, 64)) :]


def _move_segment(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    segments = _segments(data)
    moved = segments.pop(random.randrange(len(segments)))
    for _copy in range(random.choice((0, 1, 1, 2))):
        segments.insert(random.randrange(len(segments) + 1), moved)
    return b"\r".join(segments)


def _splice(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = random.choice(seeds)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def _change_line_ends(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data.replace(b"\r", random.choice((b"\n", b"\r\n", b"\n\r", b"\r\r", b" \r", b"\x85", b"\x0b", b"\x0c")))


def _recode(random: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    text = data.decode("utf-8", "replace").replace("A", random.choice("AÀëŁ€😀٣"))
    return text.encode(random.choice(("utf-8", "latin-1", "cp1252", "iso8859-15", "iso8859-5", "utf-16-le", "cp037")), "replace")


def _batch(random: Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    messages = [data, *random.choices(seeds, k=random.choice((0, 1, 3)))]
    return b"BHS|^~\\&|PAS|R0A01\r" + b"".join(messages) + random.choice((b"", b"BTS\r", b"BTS|2\r", b"BTS|x\rFTS|1"))


MUTATIONS: tuple[Mutation, ...] = (
    *[_change_field] * 5, *[_change_identifier] * 5, *[_change_header] * 4, *[_insert] * 3, *[_overwrite] * 2, _delete,
    _delete, *[_move_segment] * 2, _splice, _change_line_ends, _change_delimiter, _recode, _batch,
)  # fmt: skip
