"""What a webhook is told: the fields that are agreed, and nothing by which the child could be known."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest

from alerts.channels.webhook_body import FIELD_NAMES, Notice, Visit, render, render_test, type_of
from safeguarding.onboarding.agreements import FIELDS

AT = datetime(2026, 11, 22, 3, 4, 5, 678900, tzinfo=UTC)
ALERT = UUID("01890a5d-ac96-774b-bcce-b3027c4d19af")
VISIT = Visit(AT, None, "Saint Brannoc Infirmary", "emergency-department", "A", "V-1", "H-2")
NOTICE = Notice(ALERT, ALERT, "A901", "raised", AT, "raised", True, VISIT, frozenset(FIELDS))
LINK = "https://nightlight.example/alerts/1"


def said(notice: Notice) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(render(notice, LINK))
    return read


def test_what_no_agreement_lists_does_not_leave() -> None:
    assert said(replace(NOTICE, fields=frozenset()))["data"]["encounter"] == {}


@pytest.mark.parametrize("fields", [set(each) for size in (1, 2, 5) for each in combinations(FIELDS, size)], ids=sorted)
def test_exactly_what_is_agreed_leaves(fields: set[str]) -> None:
    names = {name for field in fields for name in FIELD_NAMES[field]}
    assert set(said(replace(NOTICE, fields=frozenset(fields)))["data"]["encounter"]) == names


def test_every_field_of_an_agreement_has_its_name_here_and_no_other_has() -> None:
    assert set(FIELD_NAMES) == set(FIELDS)


def test_a_field_of_which_nobody_knows_what_it_means_does_not_leave() -> None:
    assert said(replace(NOTICE, fields=frozenset({"nhs-number", "name"})))["data"]["encounter"] == {}


def test_of_a_person_who_is_marked_sensitive_nothing_of_the_encounter_leaves() -> None:
    assert said(replace(NOTICE, visit=None))["data"]["encounter"] is None


def test_what_the_hospital_has_not_said_is_null() -> None:
    silent = replace(VISIT, mode_of_arrival=None, visit_number="", local_number=None)
    encounter = said(replace(NOTICE, visit=silent))["data"]["encounter"]
    assert [encounter[name] for name in ("departed_at", "mode_of_arrival", "visit_number", "local_number")] == [None] * 4


@pytest.mark.parametrize(
    "happened, type_",
    [
        ("raised", "alert.raised"),
        ("left-before-seen", "alert.left-before-seen"),
        ("left-before-seen 2", "alert.left-before-seen"),
        ("escalate 3", "alert.escalate"),
    ],
)
def test_the_type_says_what_happened_however_often(happened: str, type_: str) -> None:
    assert type_of(happened) == type_


def test_the_whole_notice() -> None:
    assert said(NOTICE) == {
        "type": "alert.raised",
        "timestamp": "2026-11-22T03:04:05.678Z",
        "data": {
            "alert_id": str(ALERT),
            "reference": "7C4D-19AF",
            "thread_id": str(ALERT),
            "thread_reference": "7C4D-19AF",
            "authority": "A901",
            "state": "raised",
            "link": LINK,
            "test": True,
            "encounter": {
                "arrived_at": "2026-11-22T03:04:05.678Z",
                "departed_at": None,
                "site": "Saint Brannoc Infirmary",
                "care_setting": "emergency-department",
                "mode_of_arrival": "A",
                "visit_number": "V-1",
                "local_number": "H-2",
            },
        },
    }


def test_a_notice_of_nothing_tells_of_no_alert() -> None:
    assert json.loads(render_test("A901", AT, LINK, is_test=False)) == {
        "type": "webhook.test",
        "timestamp": "2026-11-22T03:04:05.678Z",
        "data": {"authority": "A901", "link": LINK, "test": False},
    }
