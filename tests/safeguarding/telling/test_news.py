"""What happens next to the child: it left, left before being seen, came back, was moved, never came; told once, and to whom."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from tests.safeguarding.house import SEEN_AT, House

ADMIT, UPDATE, TRANSFER = TriggerEvent.ADMIT, TriggerEvent.UPDATE, TriggerEvent.TRANSFER
DISCHARGE, CANCEL, STAY = TriggerEvent.DISCHARGE, TriggerEvent.CANCEL_ADMIT, TriggerEvent.CANCEL_DISCHARGE
WARD, PRIVATE, CLINIC = CareSetting.PAEDIATRIC_WARD, CareSetting.SEXUAL_HEALTH, CareSetting.OUTPATIENT
EVENTS = "SELECT event FROM alert_events WHERE event <> 'acknowledge' ORDER BY id"
ALERT = "SELECT state, occasion, team_code, began_at, next_step_at FROM alerts"


async def events(house: House) -> list[str]:
    return [event for (event,) in await house.rows(EVENTS)]


async def told(house: House, channel: str) -> list[str]:
    rows = await house.rows("SELECT notice FROM deliveries WHERE channel = %s ORDER BY created_at, id", channel)
    return [notice for (notice,) in rows]


async def read(house: House) -> None:
    """Somebody of the authority has acknowledged the alert."""
    statement = "UPDATE alerts SET state = 'acknowledged', acknowledged_at = now(), acknowledged_by = 'x', answer = 'known'"
    await house.rows(f"{statement}, next_step_at = NULL RETURNING 1")


# ── nobody is told, or nobody again ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trigger", [DISCHARGE, CANCEL, TRANSFER])
async def test_of_a_child_without_a_plan_nobody_hears_anything(house: House, trigger: TriggerEvent) -> None:
    await house.ask()
    assert not (await house.ask(trigger=trigger, care_setting=WARD, minutes=5)).told
    assert await house.rows("SELECT FROM deliveries") == []


@pytest.mark.parametrize(
    "again",
    [{"trigger": DISCHARGE}, {"trigger": UPDATE}, {"trigger": UPDATE, "care_setting": WARD}, {"trigger": ADMIT, "late": 3}],
    ids=["the same again", "an update after it", "a ward after it", "a late arrival"],
)
async def test_what_was_told_is_not_told_twice(house: House, again: dict[str, Any]) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=DISCHARGE, minutes=5)
    happened = SEEN_AT + timedelta(minutes=again.pop("late", 6))
    assert not (await house.ask(event_at=happened, minutes=7, **again)).told
    assert await events(house) == ["raise", "discharge"]


async def test_the_same_message_again_tells_nothing(house: House) -> None:
    await house.flag()
    await house.ask()
    for _ in range(2):
        await house.ask(trigger=DISCHARGE, left_before_seen=True, control_id="C7", minutes=5)
    assert await events(house) == ["raise", "left-before-seen"]


async def test_nobody_hears_that_a_child_was_moved_to_a_private_service_or_left_it(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TRANSFER, care_setting=PRIVATE, minutes=5)
    await house.ask(trigger=DISCHARGE, care_setting=PRIVATE, minutes=6)
    assert await events(house) == ["raise"]


async def test_who_hears_of_the_child_because_it_was_moved_is_not_told_so_again(house: House) -> None:
    await house.flag()
    await house.ask(care_setting=CLINIC)
    reply = await house.ask(trigger=TRANSFER, care_setting=WARD, minutes=5)
    assert len(reply.alerts) == 1
    assert await events(house) == ["raise"]


# ── updates ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_read", [False, True], ids=["not yet read", "read"])
@pytest.mark.parametrize(
    "happens,said",
    [
        ([{"trigger": DISCHARGE}], ["discharge"]),
        ([{"trigger": DISCHARGE}, {"trigger": STAY}], ["discharge", "return"]),
        ([{"trigger": DISCHARGE}, {"trigger": ADMIT}, {"trigger": DISCHARGE}], ["discharge", "return", "discharge 2"]),
        ([{"trigger": TRANSFER, "care_setting": WARD}], ["transfer"]),
        ([{"trigger": ADMIT, "care_setting": WARD}], ["transfer"]),
        (
            [{"trigger": TRANSFER, "care_setting": WARD}, {"trigger": TriggerEvent.CANCEL_TRANSFER}],
            ["transfer", "transfer 2"],
        ),
    ],
    ids=["left", "is still there", "left twice", "moved", "admitted from the department", "not moved after all"],
)
async def test_an_update_is_told_on_screens_and_to_systems_and_writes_to_nobody(
    house: House, happens: list[dict[str, Any]], said: list[str], *, is_read: bool
) -> None:
    await house.flag()
    await house.ask()
    if is_read:
        await read(house)
    await house.rows(
        "INSERT INTO deliveries (alert_id, channel, recipient) SELECT id, 'webhook', 'their own' FROM alerts RETURNING 1"
    )
    before = await house.rows(ALERT)
    for minutes, changes in enumerate(happens, 5):
        assert not (await house.ask(minutes=minutes, **changes)).alerts
    assert await house.rows(ALERT) == before, "who is to acknowledge it, and by when, stays as it was"
    assert await told(house, "screen") == ["raised", *said]
    assert await told(house, "webhook") == ["raised", *said]
    assert await told(house, "email") == ["raised"]
    assert len(house.nudged) == 1 + len(said)


# ── news that begins the line anew ────────────────────────────────────────────────────────────────────────────────

EMERGENCY_IF_LEFT = """
    WITH team AS (
        INSERT INTO teams (authority_code, code, name, phone, duty)
        VALUES ('301', 'emergency', 'EDT', '01632 961301', 'always') RETURNING id
    ), rule AS (
        INSERT INTO routing_rules (authority_code, position, name, occasions)
        VALUES ('301', 1, 'Left', '{left-before-seen}') RETURNING id
    ), contact AS (
        INSERT INTO team_contacts (team_id, position, channel, address) SELECT id, 1, 'email', 'edt@301.example' FROM team
    )
    INSERT INTO routing_steps (rule_id, place, team_code, minutes) SELECT id, 0, 'emergency', 20 FROM rule RETURNING 1
"""


@pytest.mark.parametrize("is_read", [False, True], ids=["not yet read", "read"])
async def test_left_before_being_seen_reopens_the_alert_and_begins_its_line_anew(house: House, *, is_read: bool) -> None:
    await house.flag()
    await house.ask()
    if is_read:
        await read(house)
    await house.ask(trigger=DISCHARGE, left_before_seen=True, minutes=40)
    at = SEEN_AT + timedelta(minutes=40)
    assert await house.rows("SELECT state, occasion, began_at FROM alerts") == [("raised", "left-before-seen", at)]
    assert await told(house, "email") == ["raised", "left-before-seen"]


async def test_a_rule_of_the_authority_tells_its_emergency_team_of_who_left_and_of_nobody_else(house: House) -> None:
    await house.rows(EMERGENCY_IF_LEFT)
    await house.flag()
    await house.ask()
    await house.ask(trigger=DISCHARGE, left_before_seen=True, minutes=40)
    emails = await house.rows("SELECT notice, recipient FROM deliveries WHERE channel = 'email' ORDER BY created_at, id")
    assert emails == [("raised", "team@301.example"), ("left-before-seen", "edt@301.example")]
    assert await house.rows("SELECT team_code, rule FROM alerts") == [("emergency", "Left")]


async def test_leaving_again_is_told_again(house: House) -> None:
    await house.flag()
    await house.ask()
    for minutes in (10, 30):
        await house.ask(trigger=DISCHARGE, left_before_seen=True, minutes=minutes)
        await house.ask(minutes=minutes + 5)
    assert await told(house, "email") == ["raised", "left-before-seen", "reinstate", "left-before-seen 2", "reinstate 2"]


async def test_a_child_who_is_back_after_somebody_read_that_it_had_left_is_to_be_acknowledged_anew(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=DISCHARGE, left_before_seen=True, minutes=10)
    await read(house)
    await house.ask(minutes=40)
    assert await told(house, "email") == ["raised", "left-before-seen", "reinstate"]
    assert await house.rows("SELECT state, occasion, next_step_at IS NULL FROM alerts") == [("raised", "attendance", False)]


@pytest.mark.parametrize(
    "happens,state,said",
    [
        ([CANCEL], "retracted", ["cancel"]),
        ([CANCEL, UPDATE, STAY], "retracted", ["cancel"]),
        ([CANCEL, ADMIT], "raised", ["cancel", "reinstate"]),
        ([CANCEL, DISCHARGE], "raised", ["cancel", "reinstate", "discharge"]),
        ([CANCEL, "left"], "raised", ["cancel", "left-before-seen"]),
        (["left", CANCEL, "left"], "raised", ["left-before-seen", "cancel", "left-before-seen"]),
        (["left", DISCHARGE], "raised", ["left-before-seen", "discharge"]),
        ([DISCHARGE, CANCEL], "retracted", ["discharge", "cancel"]),
    ],
    ids=lambda value: " ".join(str(each) for each in value) if isinstance(value, list) else None,
)
async def test_a_cancelled_arrival_waits_for_somebody_unless_the_child_was_there(
    house: House, happens: list[Any], state: str, said: list[str]
) -> None:
    await house.flag()
    await house.ask()
    for minutes, each in enumerate(happens, 5):
        trigger, left = (DISCHARGE, True) if each == "left" else (each, False)
        await house.ask(trigger=trigger, left_before_seen=left, minutes=minutes)
    assert await house.value("SELECT state FROM alerts") == state
    assert await events(house) == ["raise", *said]


# ── out of order ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("then", [UPDATE, TRANSFER])
async def test_who_left_before_being_seen_is_told_of_though_an_update_that_happened_later_came_first(
    house: House, then: TriggerEvent
) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=then, minutes=20)
    await house.ask(trigger=DISCHARGE, left_before_seen=True, event_at=SEEN_AT + timedelta(minutes=10), minutes=21)
    assert await events(house) == ["raise", "left-before-seen"]
    assert await house.rows("SELECT state, last_event_at FROM encounters") == [("closed", SEEN_AT + timedelta(minutes=20))]


async def test_a_discharge_that_happened_before_the_child_came_back_is_told_to_nobody(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(minutes=20)
    await house.ask(trigger=UPDATE, minutes=30)
    await house.ask(trigger=DISCHARGE, left_before_seen=True, event_at=SEEN_AT + timedelta(minutes=10), minutes=31)
    assert await events(house) == ["raise"]
    assert await house.value("SELECT state FROM encounters") == "open"


STANDS_AFTER = {ADMIT: "there", "left": "left", DISCHARGE: "gone", CANCEL: "cancelled"}
LAST_SAID = {
    "raise": "there",
    "reinstate": "there",
    "return": "there",
    "discharge": "gone",
    "left-before-seen": "left",
    "cancel": "cancelled",
}
messages = st.lists(
    st.tuples(st.sampled_from([*STANDS_AFTER, UPDATE, TRANSFER]), st.sampled_from([CareSetting.EMERGENCY_DEPARTMENT, WARD])),
    max_size=7,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages, st.data())
async def test_whatever_comes_in_whatever_order_one_alert_says_what_happened_last(
    house: House, sent: list[tuple[Any, CareSetting]], data: st.DataObject
) -> None:
    """The arrival comes first. What follows may come in any order, and again; `sent` is in the order in which it happened."""
    if not await house.rows("SELECT FROM flags"):
        await house.flag()
    visit = f"V{await house.value('SELECT count(*) FROM encounters')}"
    await house.ask(visit_number=visit)
    coming = data.draw(st.permutations(range(len(sent))))
    repeats = data.draw(st.lists(st.sampled_from(coming), max_size=2)) if sent else []
    for step, place in enumerate([*coming, *repeats]):
        what, setting = sent[place]
        trigger, left = (DISCHARGE, True) if what == "left" else (what, False)
        await house.ask(
            visit_number=visit, trigger=trigger, left_before_seen=left, care_setting=setting,
            event_at=SEEN_AT + timedelta(minutes=place + 1), minutes=60 + step,
        )  # fmt: skip
    [(alert, encounter, state)] = await house.rows(
        "SELECT a.id, e.state, a.state FROM alerts a JOIN encounters e ON e.id = a.encounter_id WHERE e.reference = %s", visit
    )
    history = [event for (event,) in await house.rows("SELECT event FROM alert_events WHERE alert_id = %s ORDER BY id", alert)]
    notices = await house.rows("SELECT channel, notice FROM deliveries WHERE alert_id = %s", alert)
    stands = next((STANDS_AFTER[what] for what, _ in reversed(sent) if what in STANDS_AFTER), "there")
    last = next(LAST_SAID[event] for event in reversed(history) if event in LAST_SAID)
    assert last == stands
    assert encounter == {"there": "open", "cancelled": "cancelled"}.get(stands, "closed")
    assert state == ("retracted" if stands == "cancelled" else "raised")
    assert history.count("raise") == 1
    assert len([1 for channel, _ in notices if channel == "screen"]) == len(history), "each is told once, by a notice of its own"
    if stands == "left":
        assert "email" in {channel for channel, notice in notices if notice.startswith("left-before-seen")}
