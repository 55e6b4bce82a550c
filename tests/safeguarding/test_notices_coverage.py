"""Every door's negative answer says how far it reaches, and which feeds are late: one table of doors."""

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest

from api.banner_words import banner_view
from domain.answer import Coverage, NoneKnown
from fhir_adapter.cds_hooks.wording import word_answer
from fhir_adapter.searchset import to_searchset
from flags_store.authorities import Authority
from nightlight.cli.answers import lines_of, to_json
from tests.fhir_adapter.cds_hooks.test_wording import SITE, directory
from tests.fhir_adapter.held import AT, FRESH, LATE, UNCONNECTED, around
from tests.hl7_listener.queries import notes_of, response_of
from tests.hl7_listener.test_query_response import render

KINDS = {"fresh": FRESH, "late": LATE, "nobody is connected": UNCONNECTED}


def banner(answer: NoneKnown) -> str:
    view = banner_view(answer, directory(), SITE, [], AT)
    return "\n".join((view.heading, *view.coverage))


def card(answer: NoneKnown) -> str:
    """Empty where there is no card: a silent door states no negative."""
    worded = word_answer(answer, directory(), SITE, AT)
    return f"{worded.summary}\n{worded.detail}".replace("\\", "") if worded else ""


DOORS: dict[str, Callable[[NoneKnown], str]] = {
    "the banner": banner,
    "a FHIR searchset": lambda answer: orjson.dumps(to_searchset("Flag", answer, around())).decode(),
    "an HL7 query's response": lambda answer: "\n".join(text for _, text in notes_of(response_of(render(answer)))),
    "a CDS card": card,
    "nightlight check": lambda answer: "\n".join(lines_of(answer, directory(), SITE, AT)),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("coverage", KINDS.values(), ids=KINDS)
def test_every_doors_negative_states_coverage_and_late_feeds(door: str, coverage: Coverage) -> None:
    said = DOORS[door](NoneKnown((), coverage))
    if door == "a CDS card" and coverage.fully_checked:
        assert said == "" or "No plan is not no risk." in said
        return
    for sentence in coverage.sentences:
        assert sentence in said


@pytest.mark.parametrize("door", DOORS)
def test_at_every_door_not_fully_checked_reads_otherwise_than_checked(door: str) -> None:
    say = DOORS[door]
    assert "Not fully checked" in say(NoneKnown((), LATE))
    assert "Not fully checked" in say(NoneKnown((), UNCONNECTED))
    assert "Not fully checked" not in say(NoneKnown((), FRESH))


def test_the_answer_as_json_names_the_late_feeds_and_is_not_fully_checked() -> None:
    assert to_json(NoneKnown((), LATE))["coverage"] == {"connected": 2, "late": ["302"], "fully_checked": False, "national": False}


@pytest.mark.parametrize(
    "state, last, late",
    [
        ("live", timedelta(hours=25), True),
        ("live", timedelta(hours=23), False),
        ("live", None, True),
        ("paused", timedelta(hours=1), True),
        ("setting-up", None, None),
        ("trial", timedelta(hours=1), None),
    ],
)
def test_what_a_state_means_for_coverage(state: str, last: timedelta | None, late: bool | None) -> None:
    """A paused authority is connected and late in every answer, although it alarms nobody; one being set up is not connected."""
    one = Authority("303", "Calderwick", "", "", None, state, timedelta(days=1), AT - last if last else None, ())
    found = {feed.authority_code: feed.late for feed in directory(one).coverage(AT).feeds}
    assert found.get("303") is late
