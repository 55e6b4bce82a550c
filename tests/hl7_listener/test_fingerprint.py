"""The same message sent again is recognised; another message under the same control ID is not taken for it."""

import pytest

from hl7_listener.fingerprint import fingerprint
from tests.hl7_listener.samples import NAMES, sample

ORIGINAL = sample("a04_emergency")


@pytest.mark.parametrize(
    "changed",
    [
        ORIGINAL.replace(b"HARDING", b"HARDINGE"),
        ORIGINAL.replace(b"NL000417", b"NL000418"),
        ORIGINAL.replace(b"|P|2.4|", b"|T|2.4|"),
        ORIGINAL.replace(b"20261105101529", b"20261105101531"),
        ORIGINAL + b"ZU5|1\r",
        ORIGINAL[:-1],
        ORIGINAL.replace(b"\r", b"\r\n"),
        b"\n" + ORIGINAL,
    ],
    ids=["name", "control ID", "MSH-11", "EVN-2", "one more segment", "no last CR", "CRLF", "a line before"],
)
def test_every_other_change_makes_another_message(changed: bytes) -> None:
    assert fingerprint(changed) != fingerprint(ORIGINAL)


@pytest.mark.parametrize(
    "stamped",
    [
        ORIGINAL.replace(b"R0A|20261105101530|", b"R0A|20261105101959+0000|"),
        ORIGINAL.replace(b"R0A|20261105101530|", b"R0A||"),
        ORIGINAL.replace(b"|P|2.4||", b"|P|2.4|17|"),
    ],
    ids=["MSH-7", "MSH-7 empty", "MSH-13"],
)
def test_what_engines_stamp_anew_makes_no_other_message(stamped: bytes) -> None:
    assert stamped != ORIGINAL
    assert fingerprint(stamped) == fingerprint(ORIGINAL)


def test_unusual_delimiters_do_not_hide_the_stamps() -> None:
    original = sample("a04_own_delimiters")
    assert fingerprint(original.replace(b"20261105101530.25+0000", b"20261105101959")) == fingerprint(original)


def test_every_sample_has_its_own() -> None:
    assert len({fingerprint(sample(name)) for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize("raw", [b"", b"MSH", b"MSHX", b"MSH|", b"PID|1"])
def test_what_has_no_header_is_hashed_as_it_is(raw: bytes) -> None:
    assert len(fingerprint(raw)) == 32
    assert fingerprint(raw) != fingerprint(raw + b"\0")
