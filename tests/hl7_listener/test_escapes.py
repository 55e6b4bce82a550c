"""Escape sequences mean what the sender meant, and what is no escape sequence stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_listener.errors import Unreadable
from hl7_listener.escapes import STANDARD, Delimiters, escape, read_delimiters, unescape
from hl7_listener.reader import parse
from tests.hl7_listener.samples import adt


@pytest.mark.parametrize(
    "text",
    ["C:\\temp\\new", "50\\60", "\\", "\\\\", "\\Q\\", "\\X4\\", "\\XZZ\\", "\\X\\", "a\\Fb", "\\Zlocal\\", "\\.xx\\"],
)
def test_what_is_no_escape_sequence_stays_as_it_is(text: str) -> None:
    assert unescape(text) == text


@pytest.mark.parametrize(
    "text,meaning",
    [
        ("a\\F\\b", "a|b"),
        ("a\\S\\b", "a^b"),
        ("a\\T\\b", "a&b"),
        ("a\\R\\b", "a~b"),
        ("a\\E\\b", "a\\b"),
        ("\\E\\F\\E\\", "\\F\\"),
        ("\\X41\\", "A"),
        ("\\X414243\\", "ABC"),
        ("\\XC3AB\\", "ë"),
        ("\\XC3\\\\XAB\\", "ë"),
        ("\\Xeb\\", "ë"),
        ("\\X00\\a", "a"),
        ("one\\.br\\two", "one\ntwo"),
        ("one\\.BR\\two", "one\ntwo"),
        ("one\\.sp3\\two", "one\ntwo"),
        ("one\\.sk999\\two", "one two"),
        ("\\H\\loud\\N\\", "loud"),
        ("\\.in+4\\\\.ti-2\\\\.fi\\\\.nf\\x", "x"),
        ("\\C2842\\\\M242840\\x", "x"),
        ("C:\\temp\\F\\", "C:\\temp|"),
    ],
)
def test_escape_sequences_are_decoded(text: str, meaning: str) -> None:
    assert unescape(text) == meaning


@pytest.mark.parametrize("encoding,text", [("cp1252", "\\XEB\\"), ("iso8859-2", "\\XEB\\"), ("utf-8", "\\XC3AB\\")])
def test_hexadecimal_bytes_are_in_the_character_set_of_the_message(encoding: str, text: str) -> None:
    assert unescape(text, STANDARD, encoding) == "ë"


@pytest.mark.parametrize("declared", ["8859/1", "ISO 8859-1"])
def test_hexadecimal_bytes_in_a_plain_ascii_message_follow_msh_18(declared: str) -> None:
    raw = adt("PID|1||633||Zo\\XC3\\").replace(b"|2.4", b"|2.4||||||" + declared.encode())
    assert parse(raw).required("PID").field(5) == "ZoÃ"


DELIMITERS = st.permutations("|^~\\&#*!%$@:;").map(lambda order: Delimiters(*order[:6]))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text("|^~\\&#XFSTREH.br\r\n\x0b4")


@given(text=TEXT, delimiters=DELIMITERS)
def test_what_is_escaped_holds_no_structure_and_reads_back_the_same(text: str, delimiters: Delimiters) -> None:
    escaped = escape(text, delimiters)
    structure = delimiters.field + delimiters.component + delimiters.repetition + delimiters.subcomponent
    assert not set(structure + "\r\n\x0b\x1c") & set(escaped)
    assert unescape(escaped, delimiters) == text


@given(
    values=st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1), min_size=2, max_size=4)),
    delimiters=DELIMITERS,
)
def test_values_put_into_a_message_are_read_back_from_their_places(values: list[list[str]], delimiters: Delimiters) -> None:
    fields = [delimiters.component.join(escape(value, delimiters) for value in parts) for parts in values]
    header = ["MSH", delimiters.encoding_characters, *[""] * 6, "ADT" + delimiters.component + "A04", "NL1", "P", "2.7"]
    separator = delimiters.field
    raw = f"{separator.join(header)}\rZNL{separator}{separator.join(fields)}\r".encode()
    segment = parse(raw).required("ZNL")
    read = [[segment.component(n, c) for c in range(1, len(parts) + 1)] for n, parts in enumerate(values, 1)]
    assert read == [[value if value != '""' else "" for value in parts] for parts in values]


@pytest.mark.parametrize(
    "text,expected",
    [
        ("MSH|^~\\&|PAS", Delimiters()),
        ("MSH|^~\\&#|PAS", Delimiters(truncation="#")),
        ("MSH$%~\\&$PAS", Delimiters(field="$", component="%")),
        ("MSH|^~|PAS", Delimiters()),
        ("MSH||PAS", Delimiters()),
        ("MSH|^~\\\\&|PAS", Delimiters()),
        ("MSH|&|PAS", Delimiters(component="&", subcomponent="^")),
        ("MSH|^~\\&", Delimiters()),
        ("MSH|^~\\&\rPID|", Delimiters()),
    ],
)
def test_delimiters_are_read_from_the_first_characters(text: str, expected: Delimiters) -> None:
    assert read_delimiters(text) == expected


@pytest.mark.parametrize("text", ["", "MSH", "MSH ", "MSH9^~\\&", "MSH\t^~\\&", "MSH|abcd|", "MSH|^ \\&|"])
def test_what_cannot_delimit_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        read_delimiters(text)
