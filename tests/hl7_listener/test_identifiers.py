"""The NHS number is found wherever a hospital put it, and never guessed."""

import pytest

from domain.answer import CouldNotCheckReason
from hl7_listener.identifiers import (
    MOTHER,
    NATIONAL_TYPE,
    NHS_AUTHORITIES,
    NHS_TYPES,
    NUMBER_STATUS,
    AssignedNumber,
    Numbers,
    merges,
    mother_numbers,
    number_status,
    patient_numbers,
    prior_numbers,
)
from hl7_listener.reader import parse
from tests.hl7_listener.samples import adt, sample

AMELIA = "9990000018"
THEO = "9990000026"
MISSING = CouldNotCheckReason.NO_NUMBER
INVALID = CouldNotCheckReason.INVALID_NUMBER
AMBIGUOUS = CouldNotCheckReason.AMBIGUOUS_NUMBER


def numbers_of(pid: str, version: str = "2.4") -> Numbers:
    """What a PID segment says."""
    message = parse(adt(pid, version=version))
    return patient_numbers(message.required("PID"), message.version)


@pytest.mark.parametrize(
    "pid,version,reason",
    [
        ("PID|1", "2.4", MISSING),
        ("PID|1||633^^^R0A^MR", "2.4", MISSING),
        ("PID|1||^^^NHS^NH~633^^^R0A^MR", "2.4", MISSING),
        ('PID|1||""^^^NHS^NH', "2.4", MISSING),
        (f"PID|1||{AMELIA}", "2.4", MISSING),
        (f"PID|1||{AMELIA}^^^R0A^MR", "2.4", MISSING),
        (f"PID|1||{AMELIA}^^^CHI^NI", "2.4", MISSING),
        (f"PID|1|{AMELIA}|633^^^R0A^MR", "2.4", MISSING),
        (f"PID|1||{AMELIA}", "2.2", MISSING),
        ("PID|1|633|9471", "2.2", MISSING),
        ("PID|1||9990000019^^^NHS^NH", "2.4", INVALID),
        ("PID|1||999000001^^^NHS", "2.4", INVALID),
        ("PID|1||UNKNOWN^^^^NH~633^^^R0A^MR", "2.4", INVALID),
        ("PID|1||9990000019^^^^NI", "2.4", INVALID),
        ("PID|1||9990000019^^^NHS|", "2.2", INVALID),
        (f"PID|1||{AMELIA}^^^NHS^NH~{THEO}^^^NHS^NH", "2.4", AMBIGUOUS),
        (f"PID|1||{AMELIA}^^^NHS~{THEO}^^^^NH", "2.4", AMBIGUOUS),
        (f"PID|1|{THEO}^^^NHS|{AMELIA}^^^NHS", "2.4", AMBIGUOUS),
        (f"PID|1|{AMELIA}|{AMELIA}^^^NHS~{THEO}^^^NHS", "2.2", AMBIGUOUS),
    ],
)
def test_no_number_is_chosen_where_none_is_certain(pid: str, version: str, reason: CouldNotCheckReason) -> None:
    numbers = numbers_of(pid, version)
    assert (numbers.nhs_number, numbers.no_number) == (None, reason)


@pytest.mark.parametrize(
    "pid3",
    [
        "9990000018^^^NHS^NH",
        "9990000018^^^NHS",
        "9990000018^^^R0A^NH",
        "9990000018^^^^NH",
        "9990000018^^^^NI",
        "9990000018^^^nhs^nh",
        "999 000 0018^^^NHS^NH",
        "999-000-0018^^^NHS^NH",
        " 9990000018 ^^^NHS^NH",
        "999\\X20\\0000018^^^NHS^NH",
        "999\u00a0000\u00a00018^^^NHS^NH",
        "9990000018^^^NHS NUMBER^",
        "9990000018^^^NHS_NO",
        "9990000018^^^NHS&2.16.840.1.113883.2.1.4.1&ISO^NH",
        "9990000018^^^&2.16.840.1.113883.2.1.4.1&ISO",
        "9990000018^^^NHS^MR",
        "9990000018^8^M11^NHS^NH",
        "633^^^R0A^MR~9990000018^^^NHS^NH",
        "9471~633^^^R0A^MR~9990000018^^^^NI",
        "9990000018^^^NHS^NH~999 000 0018^^^NHS",
        "9990000019^^^NHS~9990000018^^^NHS^NH",
        "9990000026^^^CHI^NI~9990000018^^^NHS^NI",
    ],
)
def test_the_nhs_number_is_found_in_every_spelling_and_repetition_of_pid_3(pid3: str) -> None:
    numbers = numbers_of(f"PID|1||{pid3}||HARDING")
    assert (numbers.nhs_number, numbers.no_number) == (AMELIA, None)


@pytest.mark.parametrize("version", ["2.1", "2.2", "2.3", "2.3.1", ""])
@pytest.mark.parametrize("pid2", ["9990000018", "999 000 0018", "9990000018^8^M11"])
def test_old_feeds_give_the_nhs_number_in_pid_2_without_naming_it(pid2: str, version: str) -> None:
    numbers = numbers_of(f"PID||{pid2}|633", version)
    assert numbers == Numbers(numbers.nhs_number, None, (AssignedNumber("633", "", ""),))
    assert numbers.nhs_number == AMELIA


@pytest.mark.parametrize("version", ["2.2", "2.4", "2.8.2"])
def test_pid_2_counts_in_every_version_where_it_names_the_nhs_number(version: str) -> None:
    assert numbers_of(f"PID||{AMELIA}^^^NHS|633", version).nhs_number == AMELIA


def test_an_unnamed_external_number_never_overrules_pid_3() -> None:
    assert numbers_of(f"PID||{THEO}|{AMELIA}^^^NHS", "2.3").nhs_number == AMELIA


def test_hospital_numbers_are_kept_with_who_assigned_them() -> None:
    numbers = numbers_of(f"PID|1|77|633^^^R0A^MR~{AMELIA}^^^NHS~633^^^R0A^MR~12^^^&1.2.3&ISO^PI~633^^^R0B^NI")
    assert numbers.local == (
        AssignedNumber("633", "R0A", "MR"),
        AssignedNumber("12", "1.2.3", "PI"),
        AssignedNumber("633", "R0B", "NI"),
        AssignedNumber("77", "", ""),
    )


def test_a_merge_pairs_each_patient_with_the_numbers_that_it_retires() -> None:
    first, second = merges(parse(sample("a40_two_merges")))
    assert (first.surviving.nhs_number, first.prior.nhs_number) == (AMELIA, "9990000050")
    assert first.prior.local == (AssignedNumber("9471", "R0A", "MR"),)
    assert (second.surviving.nhs_number, second.prior.no_number) == (THEO, MISSING)
    assert second.prior.local == (AssignedNumber("9472", "R0A", "MR"),)


def test_a_merge_segment_without_a_patient_merges_nothing() -> None:
    message = parse(adt(f"MRG|{AMELIA}^^^NHS", event="A40"))
    assert list(merges(message)) == []
    assert prior_numbers(message.required("MRG")).nhs_number == AMELIA


@pytest.mark.parametrize(
    "segments",
    [
        (f"PID|1||700^^^R0A^MR{'|' * 18}512^^^R0A^MR~{AMELIA}^^^NHS^NH",),
        ("PID|1||700^^^R0A^MR", f"NK1|1|HARDING^Joanne|MTH{'|' * 30}{AMELIA}^^^NHS"),
        ("PID|1||700^^^R0A^MR", f"NK1|1|A|FTH{'|' * 30}{THEO}^^^NHS", f"NK1|2|B|02^Mother{'|' * 30}{AMELIA}^^^NHS"),
    ],
)
def test_the_mother_is_found_in_pid_21_and_among_the_next_of_kin(segments: tuple[str, ...]) -> None:
    assert mother_numbers(parse(adt(*segments, event="A28"))).nhs_number == AMELIA


@pytest.mark.parametrize("relationship", ["", "FTH", "GRM^Grandmother", "STM^Stepmother", "MTH-IN-LAW"])
def test_nobody_else_is_taken_for_the_mother(relationship: str) -> None:
    message = parse(adt("PID|1||700", f"NK1|1|A|{relationship}{'|' * 30}{AMELIA}^^^NHS", event="A28"))
    assert mother_numbers(message) == Numbers(None, MISSING)


def test_two_mothers_are_not_chosen_between() -> None:
    message = parse(adt(f"PID|1||700{'|' * 18}{AMELIA}^^^NHS", f"NK1|1|A|MTH{'|' * 30}{THEO}^^^NHS", event="A28"))
    assert mother_numbers(message).no_number is AMBIGUOUS


@pytest.mark.parametrize(
    "pid32,status",
    [("", ""), ("XX", ""), ("NSTS09", ""), ("NSTS01", "01"), ("03", "03"), ("nsts08", "08"), ("A~02", "02")],
)
def test_the_status_of_the_number_is_read_with_and_without_its_prefix(pid32: str, status: str) -> None:
    assert number_status(parse(adt(f"PID|1||633{'|' * 29}{pid32}")).required("PID")) == status


def test_the_code_lists_are_those_that_england_uses() -> None:
    assert list(NUMBER_STATUS) == ["01", "02", "03", "04", "05", "06", "07", "08"]
    assert NUMBER_STATUS["01"] == "number present and verified"
    assert NUMBER_STATUS["08"] == "trace postponed, baby under six weeks old"
    assert {"NHS", "NHSNUMBER", "NHSNO", "NHSNBR", "2.16.840.1.113883.2.1.4.1"} == NHS_AUTHORITIES
    assert {"NH", "NHS", "NNGBR"} == NHS_TYPES
    assert NATIONAL_TYPE == "NI"
    assert {"MTH", "MOTHER", "BIRTH MOTHER", "NATURAL MOTHER"} == MOTHER
