"""The answer to a national upload says what became of each record, in the national codes and in no other."""

import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from defusedxml.ElementTree import fromstring

from domain.errors import NotFound
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from flags_store.extract_formats.v3_file import V3Header
from flags_store.extract_formats.v3_reader import to_envelope
from flags_store.extracts.codes import FileCode, RecordCode
from flags_store.extracts.matched import Match
from flags_store.extracts.outcomes import RecordOutcome
from flags_store.extracts.reconcile import Change
from flags_store.extracts.response_codes import (
    FILE_RESPONSE_WORDS,
    OF_RECORD_CODE,
    RECORD_RESPONSE_WORDS,
    FileResponse,
    file_response,
    refusal_response,
)  # fmt: skip
from flags_store.extracts.responses import AT_ONCE, keep_response, read_response, refused_response, to_response
from tests.extracts.store import OFFICER, Store

PAGE = Path(__file__).parents[3] / "docs" / "authority" / "hl7-v3-and-mesh.md"
NAMESPACE = {"v3": "urn:hl7-org:v3"}
ASKED = Match(MatchBasis.TRACED, asked=True)

BY_HAND = {
    "CPR01": "no match", "CPR02": "sensitive record, cannot be updated", "CPR03": "not verified: degree of match too low",
    "CPR04": "old-style nhs number", "CPR05": "superseded, new nhs number needed", "CPR06": "success", "CPR07": "unsuccessful",
}  # fmt: skip
FILES_BY_HAND = {
    "CPF01": "file corrupt or not well formed", "CPF02": "all records loaded",
    "CPF03": "valid records loaded, invalid records rejected", "CPF04": "no record loaded",
    "CPF05": "pds unavailable, resubmit", "CPF06": "client version not supported",
}  # fmt: skip
OURS_BY_HAND = {
    "old-nhs-number": "CPR04", "not-in-pds": "CPR01", "pds-differs": "CPR03", "invalidated": "CPR02", "sealed": "CPR02",
}  # fmt: skip


def test_the_tables_are_those_of_the_specification() -> None:
    assert {code.value: words.casefold() for code, words in RECORD_RESPONSE_WORDS.items()} == BY_HAND
    assert {code.value: words.casefold() for code, words in FILE_RESPONSE_WORDS.items()} == FILES_BY_HAND
    assert {ours.value: theirs.value for ours, theirs in OF_RECORD_CODE.items()} == OURS_BY_HAND


def test_the_page_lists_every_code_with_its_words() -> None:
    listed = dict(re.findall(r"^\| `(CP[RF][0-9]{2})` \| ([^|]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    tables = [*RECORD_RESPONSE_WORDS.items(), *FILE_RESPONSE_WORDS.items()]
    assert listed == {code.value: words for code, words in tables}


def outcome(place: str = "record 1, CPP", **changes: object) -> RecordOutcome:
    values = {"line": 1, "nhs_number": "9990000018", "local_id": "A1", "change": Change.OPEN, **changes}
    return RecordOutcome(place=place, **values)  # type: ignore[arg-type]


def refused(code: RecordCode, match: Match = ASKED) -> RecordOutcome:
    return outcome(change=None, code=code, match=match)


NOBODY = Match(asked=False)
CASES: dict[str, tuple[Sequence[RecordOutcome], str]] = {
    "opened": ([outcome()], "CPR06"),
    "unchanged": ([outcome(change=Change.UNCHANGED)], "CPR06"),
    "opened for a masked person": ([outcome(match=Match(MatchBasis.TRACED, sensitive=True, asked=True))], "CPR06"),
    "old style": ([refused(RecordCode.OLD_NHS_NUMBER, NOBODY)], "CPR04"),
    "not in PDS": ([refused(RecordCode.NOT_IN_PDS)], "CPR01"),
    "differs": ([refused(RecordCode.PDS_DIFFERS)], "CPR03"),
    "invalidated": ([refused(RecordCode.INVALIDATED)], "CPR02"),
    "sealed long ago, nobody asked": ([refused(RecordCode.SEALED, NOBODY)], "CPR07"),
    "superseded": ([outcome(match=Match(MatchBasis.SUPERSEDED, successor=NhsNumber("9990000026"), asked=True))], "CPR05"),
    "superseded, nobody asked": ([outcome(match=Match(successor=NhsNumber("9990000026")))], "CPR06"),
    "a bad date": ([refused(RecordCode.BAD_DATE)], "CPR07"),
    "held": ([outcome(change=None, held=True)], "CPR07"),
    "one plan of two is bad": ([outcome(), refused(RecordCode.OVERLAP)], "CPR07"),
    "two plans are good": ([outcome(), outcome("record 1, LAC", change=Change.END)], "CPR06"),
}


@pytest.mark.parametrize("plans, code", CASES.values(), ids=CASES.keys())
def test_a_record_is_answered_by_what_became_of_its_plans(plans: Sequence[RecordOutcome], code: str) -> None:
    response, detail = to_response(plans)
    assert response.value == code
    assert bool(detail) == (code != "CPR06")
    assert "9990000018" not in detail


@pytest.mark.parametrize(
    "records, loaded, code", [(0, 0, "CPF04"), (3, 3, "CPF02"), (3, 1, "CPF03"), (3, 0, "CPF04")]
)  # fmt: skip
def test_the_file_is_answered_by_how_many_loaded(records: int, loaded: int, code: str) -> None:
    assert file_response(records, loaded).value == code


@pytest.mark.parametrize(
    "code, answer",
    [*((each.value, "CPF01") for each in FileCode if each.value not in {"unsupported-interaction", "no-records"}),
     ("unsupported-interaction", "CPF06"), ("no-records", "CPF04"), ("older-extract", "CPF04")],
)  # fmt: skip
def test_a_refused_file_is_answered_with_the_sequence_number_or_without(code: str, answer: str) -> None:
    assert refusal_response(code).value == answer
    known, unknown = (fromstring(refused_response(sequence, code, "Words & more.")) for sequence in (7, None))
    assert [each.find("v3:id", NAMESPACE).get("extension") for each in (known, unknown)] == ["7", "-1"]  # type: ignore[union-attr]
    assert known.find(".//v3:acknowledgementFileDetail/v3:code", NAMESPACE).get("code") == answer  # type: ignore[union-attr]
    assert known.findtext(".//v3:text", None, NAMESPACE) == f"{code}: Words & more."


class Loaded:
    """As much of a load as the answer needs."""

    authority_code = "301"

    def __init__(self, extract_id: UUID) -> None:
        self.extract_id = extract_id


async def keep(
    store: Store, outcomes: Sequence[RecordOutcome], emergency: str = "tel:+44 1632 961301"
) -> tuple[UUID, FileResponse]:
    await store.rows("UPDATE extracts SET state = 'loaded', completed_at = now() RETURNING id")
    extract_id = await store.value(
        "INSERT INTO extracts (authority_code, content_hash, extracted_at, sent_by, records)"
        " VALUES ('301', sha256(gen_random_uuid()::text::bytea), now(), 'dee', 1) RETURNING id"
    )
    header = V3Header("7", "20250901063000+0000", "3", "", {"301"}, {"EC": emergency, "WP": "01632 960301"})
    async with store.database.transaction() as transaction:
        return extract_id, await keep_response(transaction, Loaded(extract_id), to_envelope(header, "301"), iter(outcomes))  # type: ignore[arg-type]


async def read(store: Store, extract_id: UUID, authority: str = "301") -> bytes:
    async with store.database.transaction() as transaction:
        return await read_response(transaction, OFFICER, authority, extract_id)


async def test_another_authority_and_an_extract_without_an_answer_get_none(store: Store) -> None:
    extract_id, _ = await keep(store, [outcome()])
    for authority, wanted in (("302", extract_id), ("301", UUID(int=1))):
        with pytest.raises(NotFound):
            await read(store, wanted, authority)


async def test_the_answer_has_one_code_for_each_record_in_the_order_of_the_file(store: Store) -> None:
    outcomes = [
        outcome(), outcome("record 1, LAC", line=2),
        outcome("record 2", line=3, change=None, code=RecordCode.NO_PLANS),
        outcome("record 3, UCPP", line=4, nhs_number="", local_id='A"3<'),
    ]  # fmt: skip
    extract_id, response = await keep(store, outcomes)
    answer = fromstring(await read(store, extract_id))
    assert response is FileResponse.PARTIAL
    assert answer.tag == "{urn:hl7-org:v3}FileResponse"
    assert [answer.find(f"v3:{name}", NAMESPACE).attrib for name in ("id", "transmissionQuantity")] == [  # type: ignore[union-attr]
        {"root": "2.16.840.1.113883.2.1.3.2.4.18.46", "extension": "7"}, {"value": "3"},
    ]  # fmt: skip
    assert re.fullmatch(r"[0-9]{14}\+0000", answer.find("v3:creationTime", NAMESPACE).get("value", ""))  # type: ignore[union-attr]
    codes = [each.get("code") for each in answer.iterfind(".//v3:acknowledgementRecordDetail/v3:code", NAMESPACE)]
    assert codes == ["CPR06", "CPR07", "CPR06"]
    places = [each.text for each in answer.iterfind(".//v3:location", NAMESPACE)]
    assert places == ["/File/record[1]", "/File/record[2]", "/File/record[3]"]
    local = [each.get("extension") for each in answer.iterfind(".//v3:subject/*/v3:id", NAMESPACE)]
    assert local == ["9990000018", "A1", "9990000018", "A1", "", 'A"3<']
    assert await store.rows("SELECT file_code, records, accepted FROM extract_responses") == [("CPF03", 3, 2)]
    assert await store.value("SELECT count(*) FROM audit_events WHERE action = 'extract.read-response'") == 1


async def test_a_long_answer_is_kept_in_parts_and_is_one_document(store: Store) -> None:
    count = AT_ONCE * 2 + 5
    extract_id, response = await keep(store, [outcome(f"record {number}, CPP", line=number) for number in range(1, count + 1)])
    answer = fromstring(await read(store, extract_id))
    assert response is FileResponse.SUCCESS
    assert len(answer.findall("v3:record", NAMESPACE)) == count
    assert await store.value("SELECT count(*) FROM extract_response_parts") == 5


async def test_a_phone_that_differs_is_said_and_never_taken_over(store: Store) -> None:
    await keep(store, [outcome()])
    assert await store.rows("SELECT FROM extract_notes") == []
    await keep(store, [outcome()], emergency="01632 961999")
    assert await store.rows("SELECT code, detail FROM extract_notes") == [
        ("phone-differs", {"which": "emergency duty", "sent": "01632 961999", "held": "01632 961301"})
    ]
    assert await store.value("SELECT emergency_phone FROM authorities WHERE code = '301'") == "01632 961301"
