"""A query is read as what it describes, a number counts only where it is named, and a name alone is never searched for."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from hl7_listener.errors import Unreadable
from hl7_listener.query import is_query, to_check
from hl7_listener.reader import parse
from safeguarding.check import Check
from safeguarding.directory import Site
from tests.hl7_listener.queries import q21, q22, valid_numbers
from tests.safeguarding.house import CHILD, OTHER_CHILD

AT = datetime(2026, 11, 5, 10, 15, 31, tzinfo=UTC)


def site(setting: CareSetting = CareSetting.EMERGENCY_DEPARTMENT) -> Site:
    return Site("R0A01", "R0A", "Royal Amber", "Site R0A01", setting, None, "", (), (), feed_live=True)


def check_of(raw: bytes, setting: CareSetting = CareSetting.EMERGENCY_DEPARTMENT) -> Check:
    return to_check(parse(raw), site(setting), "EHR", AT)


def identity_of(raw: bytes) -> Identity:
    return check_of(raw).identity


REFUSED = {
    "another query": (q22().replace(b"QBP^Q22", b"QBP^Q23"), 201, "MSH-9"),
    "no QPD": (q22().replace(b"QPD|", b"ZPD|"), 100, "QPD"),
    "two queries in one": (q22() + b"QPD|IHE PDQ Query|T2|@PID.3.1^9990000026~@PID.3.4^NHS\r", 100, "QPD"),
    "an unknown name": (q22(name="Z99^Everybody"), 201, "QPD-1"),
    "no name": (q22(name=""), 201, "QPD-1"),
    "the name of the other query": (q21().replace(b"QBP^Q21", b"QBP^Q22"), 201, "QPD-1"),
    "an answer later": (q22(control="RCP|D"), 103, "RCP-1"),
}


@pytest.mark.parametrize("raw,code,place", REFUSED.values(), ids=REFUSED)
def test_what_is_no_query_of_the_profile_is_refused_with_code_and_place(raw: bytes, code: int, place: str) -> None:
    with pytest.raises(Unreadable) as refused:
        check_of(raw)
    assert (refused.value.code, str(refused.value.location)) == (code, place)


NOT_USABLE = {
    "nothing": (q22(""), "no-nhs-number"),
    "a name and a birthday": (q22("@PID.5.1.1^HARDING~@PID.5.2^AMELIA~@PID.7^20190304"), "no-nhs-number"),
    "an empty number": (q22("@PID.3.1^~@PID.3.4^NHS"), "no-nhs-number"),
    "a number that nothing names": (q22(f"@PID.3.1^{CHILD}"), "no-nhs-number"),
    "a hospital's own number": (q22(f"@PID.3.1^{CHILD}~@PID.3.4^R0A"), "no-nhs-number"),
    "a hospital's own number as identifier": (q21(f"{CHILD}^^^R0A^MR"), "no-nhs-number"),
    "an identifier that nothing names": (q21(CHILD), "no-nhs-number"),
    "a pattern": (q22("@PID.3.1^999*~@PID.3.4^NHS"), "invalid-nhs-number"),
    "a mistyped number": (q22("@PID.3.1^9990000019~@PID.3.4^NHS"), "invalid-nhs-number"),
    "nine digits": (q21("999000001^^^NHS^NH"), "invalid-nhs-number"),
    "two numbers": (q22(f"@PID.3.1^{CHILD}~@PID.3.4^NHS~@PID.3.1^{OTHER_CHILD}~@PID.3.4^NHS"), "ambiguous-nhs-number"),
    "two identifiers": (q21(f"{CHILD}^^^NHS^NH~{OTHER_CHILD}^^^NHS^NH"), "ambiguous-nhs-number"),
    "one of two named": (q22(f"@PID.3.1^{CHILD}~@PID.3.1^{OTHER_CHILD}~@PID.3.4^NHS"), "ambiguous-nhs-number"),
    "a valid and a mistyped one": (q21(f"{CHILD}^^^NHS^NH~9990000019^^^NHS^NH"), "ambiguous-nhs-number"),
}


@pytest.mark.parametrize("raw,reason", NOT_USABLE.values(), ids=NOT_USABLE)
def test_without_one_named_valid_number_nobody_can_be_looked_up(raw: bytes, reason: str) -> None:
    identity = identity_of(raw)
    assert (identity.nhs_number, identity.no_number) == (None, CouldNotCheckReason(reason))
    assert identity.local_numbers == (), "a look by a hospital's own number would open an encounter of nobody"


NAMED = {
    "as IHE has it": q22("@PID.3.1^9990000018~@PID.3.4^NHS"),
    "the authority first": q22("@PID.3.4^NHS~@PID.3.1^9990000018"),
    "the authority by its parts": q22("@PID.3.1^9990000018~@PID.3.4.1^NHS~@PID.3.4.2^2.16.840.1.113883.2.1.4.1~@PID.3.4.3^ISO"),
    "the authority by its number": q22("@PID.3.1^9990000018~@PID.3.4.2^2.16.840.1.113883.2.1.4.1"),
    "the authority in one": q22("@PID.3.1^9990000018~@PID.3.4^NHS&2.16.840.1.113883.2.1.4.1&ISO"),
    "by the type": q22("@PID.3.1^9990000018~@PID.3.5^NH"),
    "the whole field": q22("@PID.3^9990000018^^^NHS^NH"),
    "the whole field in subcomponents": q22("@PID.3^9990000018&&&NHS&NH"),
    "the whole field escaped": q22("@PID.3^9990000018\\S\\\\S\\\\S\\NHS\\S\\NH"),
    "the whole field under the name of its number": q22("@PID.3.1^9990000018^^^NHS^NH"),
    "spaces": q22("@PID.3.1^ 999 000 0018 ~@PID.3.4^NHS"),
    "hyphens and small letters": q22("@pid-3.1^999-000-0018~@pid-3.4^nhs"),
    "twice the same": q22("@PID.3.1^9990000018~@PID.3.4^NHS~@PID.3.1^999 000 0018~@PID.3.4^NHS"),
    "beside a hospital's own": q22("@PID.3.1^9990000018~@PID.3.4^NHS~@PID.3.1^633~@PID.3.4^R0A"),
    "beside what is not looked at": q22("@PID.8^F~@PID.11.5^TE1 1ST~@PID.3.1^9990000018~@PID.3.4^NHS~@PV1.3^ED"),
    "as an identifier": q21("9990000018^^^NHS^NH"),
    "as an identifier with spaces": q21("999 000 0018^^^NHS"),
    "as an identifier by its type": q21("9990000018^^^^NH"),
    "as an identifier beside another": q21("633^^^R0A^MR~9990000018^^^NHS^NH"),
    "an identifier in a query of IHE": q22("9990000018^^^NHS^NH"),
    "pairs in the other query": q21("@PID.3.1^9990000018~@PID.3.4^NHS"),
    "no RCP": q21(control=""),
    "RCP without a priority": q22(control="RCP||10^RD"),
    "odd delimiters": b"MSH#*!%$#EHR#R0A01#NL#R0A#1##QBP*Q22#QC1#P#2.5\rQPD#IHE PDQ Query#T1#@PID.3.1*9990000018!@PID.3.4*NHS\r",
}


@pytest.mark.parametrize("raw", NAMED.values(), ids=NAMED)
def test_a_named_number_is_found_in_every_spelling(raw: bytes) -> None:
    identity = identity_of(raw)
    assert (identity.nhs_number, identity.no_number) == (CHILD, None)


def test_name_and_birthday_beside_the_number_are_there_to_be_compared() -> None:
    identity = identity_of(q22("@PID.3.1^9990000018~@PID.3.4^NHS~@PID.5.1.1^HARDING~@PID.5.2^Amelia~@PID.7.1^20190304"))
    assert (identity.family_name, identity.given_name, identity.birth_date) == ("HARDING", "Amelia", date(2019, 3, 4))
    whole = identity_of(q22("@PID.3.1^9990000018~@PID.3.4^NHS~@PID.5^HARDING^Amelia~@PID.7^20190304"))
    assert whole == identity


def test_a_pattern_of_a_name_is_nobodys_name() -> None:
    identity = identity_of(q22("@PID.3.1^9990000018~@PID.3.4^NHS~@PID.5.1^HAR*~@PID.5.2^*"))
    assert (identity.family_name, identity.given_name) == ("", "")


@pytest.mark.parametrize("setting", CareSetting)
def test_a_query_is_a_lookup_that_tells_nobody_where_the_service_is_scheduled_or_private(setting: CareSetting) -> None:
    check = check_of(q22(), setting)
    assert (check.trigger, check.site, check.care_setting) == (TriggerEvent.LOOKUP, "R0A01", setting)
    assert check.silent is not (setting.is_unscheduled and not setting.is_private)
    assert check.message is None, "a query is not remembered: asked again, it is looked up again"


def test_the_audit_names_the_peer_the_control_id_and_the_tag() -> None:
    check = check_of(q22())
    assert (check.actor.id, check.actor.name, check.actor.organisation) == ("R0A01 EHR", "EHR", "R0A")
    assert check.request_id == "QC1 T1"


@pytest.mark.parametrize("processing,test", [("P", False), ("T", True), ("D", True)])
def test_a_training_query_is_a_test(processing: str, test: bool) -> None:
    assert check_of(q22().replace(b"|QC1|P|", f"|QC1|{processing}|".encode())).test is test


def test_only_a_qbp_is_a_query() -> None:
    assert is_query(parse(q21()))
    assert not is_query(parse(q21().replace(b"QBP^Q21^QBP_Q21", b"ADT^A04")))


pieces = st.sampled_from(
    [
        "@PID.3.1^", "@PID.3^", "@PID.3.4^NHS", "@PID.3.4.2^", "@PID.3.5^NH", "@PID.5.1^", "@PID.7^", "9990000018", "999 000 0026",
        "9990000019", "NHS", "NH", "^", "^^^NHS^NH", "~", "~", "&", "\\S\\", "\\F\\", "\\X31\\", "|", "\r", "QPD|", "*", '""', "0",
    ]
)  # fmt: skip
texts = st.lists(pieces | st.text(max_size=6), max_size=14).map("".join)


@given(parameters=texts, ihe=st.booleans())
def test_no_text_makes_a_number_that_was_not_asked(parameters: str, ihe: bool) -> None:
    raw = q22(parameters) if ihe else q21(parameters)
    try:
        identity = identity_of(raw)
    except Unreadable:
        return
    assert (identity.nhs_number is None) is not (identity.no_number is None)
    if identity.nhs_number:
        assert identity.nhs_number in valid_numbers(parameters.replace("\\X31\\", "1"))
        assert "NH" in parameters
