"""What a search may say, and what is refused before anybody looks; no database is needed here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.nhs_number import NhsNumber
from fhir_adapter.errors import INVALID_SEARCH, TOO_LONG, Kind, Refused
from fhir_adapter.http import LONGEST
from fhir_adapter.parameters import read_pairs
from fhir_adapter.search import Search, parse_search

NUMBER = "9990000018"
SYSTEM = "https://fhir.nhs.uk/Id/nhs-number"
CODE = "child-protection-information-system-flag"
CODE_SYSTEM = "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient"
BASE = "https://hospital.example/FHIR/R4"


def search(query: str, resource: str = "Flag", *, strict: bool = False) -> Search:
    return parse_search(resource, read_pairs(query.encode("latin-1")), strict=strict)


@pytest.mark.parametrize(
    "query",
    [
        "patient=%39%39",
        "patient=9990000019",
        "patient=1",
        "patient=",
        "patient",
        "patient=９９９００００018".encode().decode("latin-1"),
        "patient=%EF%BC%99990000018",
        "patient=999000001%E2%91%A7",
        f"patient={NUMBER},9990000026",
        f"patient:identifier={SYSTEM}|",
        f"patient:identifier=https://fhir.hl7.org.uk/Id/local|{NUMBER}",
        f"patient:identifier={SYSTEM}||{NUMBER}",
        f"patient={NUMBER}%00",
        f"patient={NUMBER}%0a",
        f"patient={NUMBER}%",
        f"patient={NUMBER}%zz",
        f"patient={NUMBER}%ff",
        f"patient=Observation/{NUMBER}",
    ],
)
def test_a_wrong_number_is_refused_and_not_repeated(query: str) -> None:
    with pytest.raises(Refused) as refused:
        search(query)
    assert refused.value.kind is INVALID_SEARCH
    assert NUMBER not in refused.value.words
    assert "9990000019" not in refused.value.words


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"code={CODE}",
        "subject.name=Example",
        f"identifier={NUMBER}",
        f"patient={NUMBER}&patient={NUMBER}",
        f"patient={NUMBER}&subject=9990000026",
        f"patient={NUMBER}&patient:identifier={SYSTEM}|{NUMBER}",
        f"patient={NUMBER}&patient:missing=true",
        f"patient={NUMBER}&patient.birthdate=2018-05-06",
        f"patient={NUMBER}&subject:Group=1",
        f"patient:exact={NUMBER}",
    ],
)
def test_a_patient_is_named_exactly_once_and_in_a_known_spelling(query: str) -> None:
    with pytest.raises(Refused) as refused:
        search(query)
    assert refused.value.kind is INVALID_SEARCH


@pytest.mark.parametrize(
    "code",
    [
        "female-genital-mutilation-flag",
        f"{CODE_SYSTEM}|national-reasonable-adjustment-flag",
        f"http://snomed.info/sct|{CODE}",
        f"{CODE},female-genital-mutilation-flag",
        "",
        CODE.upper(),
    ],
)
def test_another_kind_of_flag_is_refused_and_never_reads_as_none_known(code: str) -> None:
    with pytest.raises(Refused) as refused:
        search(f"patient={NUMBER}&code={code}")
    assert refused.value.kind is INVALID_SEARCH
    assert "Nothing was checked" in refused.value.words


@pytest.mark.parametrize("modifier", ["code:not", "code:text", "code:missing", "code.system"])
def test_a_modifier_that_is_not_understood_is_refused(modifier: str) -> None:
    with pytest.raises(Refused):
        search(f"patient={NUMBER}&{modifier}={CODE}")


@pytest.mark.parametrize("name", ["author", "encounter", "_sort", "_revinclude", "_has", "_text", "nonsense", NUMBER])
def test_an_unknown_parameter_is_refused_where_handling_is_strict(name: str) -> None:
    with pytest.raises(Refused) as refused:
        search(f"patient={NUMBER}&{name}=1", strict=True)
    assert NUMBER not in refused.value.words
    assert "patient, subject, code" in refused.value.words


@pytest.mark.parametrize(
    "query",
    [
        f"patient={NUMBER}",
        f"patient=Patient/{NUMBER}",
        "patient=999%20000%200018",
        "patient=999+000+0018",
        "patient=999-000-0018",
        f"patient={SYSTEM}|{NUMBER}",
        f"patient:identifier={SYSTEM}|{NUMBER}",
        f"patient:identifier={SYSTEM}%7C{NUMBER}",
        f"patient%3Aidentifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7c{NUMBER}",
        f"patient:identifier={NUMBER}",
        f"patient:identifier=|{NUMBER}",
        f"patient.identifier={SYSTEM}|{NUMBER}",
        f"subject={NUMBER}",
        f"subject:identifier={SYSTEM}|{NUMBER}",
        f"subject.identifier={SYSTEM}%7C{NUMBER}",
        f"patient={NUMBER}&code={CODE}",
        f"patient={NUMBER}&code={CODE_SYSTEM}|{CODE}",
        f"code={CODE_SYSTEM}%7C{CODE}&patient={NUMBER}",
        f"patient={NUMBER}&_format=json",
    ],
)
def test_every_spelling_asks_about_the_same_patient(query: str) -> None:
    assert search(query, strict=True).number == NhsNumber(NUMBER)


def test_self_link_shows_what_was_used_and_leaves_out_what_was_not() -> None:
    asked = search(f"patient:identifier={SYSTEM}|{NUMBER}&nonsense=1&code={CODE}&_sort=date")
    expected = f"{BASE}/Flag?patient:identifier={SYSTEM}%7C{NUMBER}&code={CODE}"
    assert asked.link(BASE, by_post=False) == expected


@pytest.mark.parametrize("name", ["patient", "subject", "patient:identifier", "subject.identifier"])
def test_self_link_after_a_post_holds_no_number(name: str) -> None:
    asked = search(f"{name}={NUMBER}", "CareTeam")
    assert asked.link(BASE, by_post=True) == f"{BASE}/CareTeam/_search"


def test_code_is_unknown_to_a_search_of_care_teams() -> None:
    assert search(f"patient={NUMBER}&code=anything", "CareTeam").used == (("patient", NUMBER),)
    with pytest.raises(Refused):
        search(f"patient={NUMBER}&code={CODE}", "CareTeam", strict=True)


def test_a_search_longer_than_any_search_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        search(f"patient={NUMBER}&x={'y' * LONGEST}")
    assert refused.value.kind is TOO_LONG


def test_more_parameters_than_any_search_has_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        search("&".join(["x=1"] * 51))
    assert refused.value.kind is INVALID_SEARCH


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_stumble(raw: bytes) -> None:
    assert refusal(raw) in {None, INVALID_SEARCH}


def refusal(raw: bytes) -> Kind | None:
    try:
        parse_search("Flag", read_pairs(raw), strict=False)
    except Refused as refused:
        return refused.kind
    return None


@given(st.text(min_size=1, max_size=20))
def test_no_text_but_a_number_is_taken_for_one(text: str) -> None:
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit())
    try:
        found = parse_search("Flag", [("patient", text)], strict=False).number
    except Refused:
        return
    assert found == digits
