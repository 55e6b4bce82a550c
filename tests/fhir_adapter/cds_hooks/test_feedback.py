"""What became of a card: written down once with its audit, a critical one never without a reason, and never for another's card."""

from typing import Any
from uuid import uuid4

import pytest

from fhir_adapter.cds_hooks.services import ENCOUNTER_START
from safeguarding.cards import OverrideReason
from tests.fhir_adapter.cds_hooks.clinic import AMBER, BASE, CLINIC, KEEN, Clinic, all_at_once
from tests.safeguarding.house import UNKNOWN_CHILD

SYSTEM = f"{BASE}/FHIR/R4/CodeSystem/card-override-reason"


async def a_card(clinic: Clinic) -> dict[str, Any]:
    await clinic.house.flag()
    [card] = await clinic.view()
    return card


def overridden(
    card: dict[str, Any], code: str | None = "already-acted", system: str | None = SYSTEM, **more: Any
) -> dict[str, Any]:
    reason = {"code": code} | ({"system": system} if system else {})
    said = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-03-03T14:00:00Z"}
    return said | ({"overrideReason": {"reason": reason}} if code else {}) | more


def followed(card: dict[str, Any]) -> dict[str, Any]:
    suggestion = {"id": card["suggestions"][0]["uuid"]}
    said = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": "2026-03-03T14:00:00Z"}
    return said | {"acceptedSuggestions": [suggestion]}


async def outcomes(clinic: Clinic) -> list[tuple[Any, ...]]:
    return await clinic.house.rows("SELECT outcome, reason FROM card_outcomes ORDER BY outcome, reason")


async def test_feedback_that_makes_no_sense_is_refused_and_nothing_of_it_is_kept(clinic: Clinic) -> None:
    card = await a_card(clinic)
    good = overridden(card)
    broken: list[Any] = [
        None, {}, [], [1], "x", [good, "x"], [good] * 101,
        [good | {"card": None}], [good | {"card": 7}],
        [good | {"outcome": "ignored"}], [good | {"outcome": None}], [good | {"outcome": ["overridden"]}],
        [good | {"outcomeTimestamp": None}],
        [good | {"outcomeTimestamp": "yesterday"}], [good | {"outcomeTimestamp": "2026-03-03T14:00:00"}],
        [good | {"overrideReason": "because"}], [good | {"overrideReason": {"reason": {}}}],
        [good | {"overrideReason": {"reason": {"code": 7}}}], [good | {"overrideReason": {"reason": ["x"]}}],
        [followed(card) | {"acceptedSuggestions": None}], [followed(card) | {"acceptedSuggestions": []}],
        [followed(card) | {"acceptedSuggestions": [{"id": str(uuid4())}]}], [followed(card) | {"acceptedSuggestions": ["x"]}],
    ]  # fmt: skip
    for said in broken:
        answer = await clinic.send("POST", "/child-protection-patient-view/feedback", {"feedback": said})
        assert (answer.status, answer.json["error"]) == (400, "bad-request"), said
    assert await outcomes(clinic) == []


@pytest.mark.parametrize("reason", [{}, {"overrideReason": {"userComment": "seen"}}])
async def test_a_critical_card_is_overridden_with_a_reason_only(clinic: Clinic, reason: dict[str, Any]) -> None:
    card = await a_card(clinic)
    answer = await clinic.feedback([overridden(card, None) | reason])
    assert (answer.status, answer.json["error"]) == (400, "override-reason-needed")
    assert await outcomes(clinic) == []


async def test_a_warning_may_be_overridden_without_a_reason(clinic: Clinic) -> None:
    [card] = await clinic.view(None)
    assert (await clinic.feedback([overridden(card, None)])).status == 200
    assert await outcomes(clinic) == [("overridden", "")]


async def test_nobody_speaks_of_a_card_that_was_not_shown_to_it(clinic: Clinic) -> None:
    card = await a_card(clinic)
    unknown = overridden({"uuid": str(uuid4())})
    answers = [
        await clinic.feedback([unknown]),
        await clinic.feedback([unknown | {"card": "no-uuid"}]),
        await clinic.feedback([overridden(card)], ehr=CLINIC),
        await clinic.feedback([overridden(card)], service=ENCOUNTER_START),
        await clinic.feedback([overridden(card), unknown]),
    ]
    assert {(answer.status, answer.body) for answer in answers} == {(404, answers[0].body)}
    assert await outcomes(clinic) == []


async def test_feedback_is_kept_once_and_audited_once_however_often_it_comes(clinic: Clinic) -> None:
    card = await a_card(clinic)
    for _ in range(2):
        assert (await clinic.feedback([overridden(card), followed(card)])).json == {"recorded": 2}
    await all_at_once(*(clinic.feedback([overridden(card)]) for _ in range(3)))
    assert await outcomes(clinic) == [("followed", ""), ("overridden", "already-acted")]
    rows = await clinic.house.rows(
        "SELECT action, subject_id, actor_id, detail FROM audit_events WHERE subject_type = 'card' ORDER BY action"
    )
    detail = {"service": "child-protection-patient-view", "indicator": "critical"}
    assert rows == [
        ("card.followed", card["uuid"], AMBER.issuer, detail | {"reason": None}),
        ("card.overridden", card["uuid"], AMBER.issuer, detail | {"reason": "already-acted"}),
    ]


@pytest.mark.parametrize(
    "code, system, kept",
    [
        *((reason.value, SYSTEM, reason.value) for reason in OverrideReason),
        ("not-this-patient", None, "not-this-patient"),
        ("not-this-patient", "https://ehr.amber.example/reasons", "other"),
        ("d7ecf885", "https://ehr.amber.example/reasons", "other"),
        ("Ada Example", None, "other"),
    ],
)
async def test_a_reason_of_the_ehrs_own_is_another_reason(
    standing_clinic: Clinic, code: str, system: str | None, kept: str
) -> None:
    [card] = await standing_clinic.view(None)
    assert (await standing_clinic.feedback([overridden(card, code, system)])).status == 200
    assert await standing_clinic.house.rows("SELECT reason FROM card_outcomes WHERE card = %s", card["uuid"]) == [(kept,)]


async def test_what_a_clinician_typed_is_kept_nowhere(clinic: Clinic) -> None:
    card = await a_card(clinic)
    said = overridden(card, overrideReason={"reason": {"code": "already-acted"}, "userComment": "Ada's mother rang"})
    assert (await clinic.feedback([said])).status == 200
    everything = await clinic.house.rows("SELECT row_to_json(card_outcomes)::text FROM card_outcomes")
    everything += await clinic.house.rows("SELECT detail::text FROM audit_events WHERE subject_type = 'card'")
    assert len(everything) == 2
    assert "mother" not in str(everything)


async def test_an_info_card_asks_for_no_feedback_that_anybody_must_give(clinic: Clinic) -> None:

    [card] = await clinic.view(UNKNOWN_CHILD, KEEN)
    assert "overrideReasons" not in card
    assert (await clinic.feedback([overridden(card, None)], ehr=KEEN)).status == 200
