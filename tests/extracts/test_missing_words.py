"""Every door says of a plan that the latest full extract did not name it; of a sensitive one, without naming the authority."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from api.banner_words import banner_view
from domain.answer import Coverage, Feed, Flagged, ShownFlag
from domain.care_setting import CareSetting
from domain.flag import Flag, FlagKind, Standing
from domain.nhs_number import NhsNumber
from fhir_adapter.care import Manner
from fhir_adapter.cds_hooks.wording import word_answer
from fhir_adapter.encounters.outcomes import to_kept
from fhir_adapter.resources import Team, to_care_plan, to_flag
from fhir_adapter.searchset import Surroundings, to_searchset
from flags_store.authorities import OFFICE_HOURS, Authority
from hl7_listener import query_response
from hl7_listener.query_segments import refer_to
from hl7_listener.reader import parse
from nightlight.cli.answers import lines_of, to_json
from safeguarding.directory import Directory, Site
from tests.fhir_adapter.validity import check_valid
from tests.hl7_listener.queries import q22

AT = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
NAME = "Ambershire & Co"
SITE = Site("R0A01", "R0A", "Royal Amber", "Amber ED", CareSetting.EMERGENCY_DEPARTMENT, "302", "01632 960999", (), (), False)
DIRECTORY = Directory(
    True, {SITE.ods_code: SITE},
    {
        code: Authority(code, name, "01632 960301", "01632 961301", None, "live", timedelta(days=1), AT, OFFICE_HOURS)
        for code, name in {"301": NAME, "302": "Birchford"}.items()
    },
    (), AT,
)  # fmt: skip
FLAG = Flag(
    UUID(int=1), UUID(int=2), NhsNumber("9990000018"), FlagKind.CPP, "301", date(2026, 1, 5), None, None, date(2018, 5, 6),
    "Example", "Ada", sensitive=False, last_confirmed_at=AT,
)  # fmt: skip
TEAMS = {"301": Team("301", NAME, "01632 960301", "01632 961301", office_is_open=True)}
MANNER = Manner(True, True)
SAID, SAID_OF_SENSITIVE = "Not in the latest extract of", "Not in the authority"


def _banner(answer: Flagged) -> str:
    [view] = banner_view(answer, DIRECTORY, SITE, [], AT).flags
    return view.missing


def _card(answer: Flagged) -> str:
    card = word_answer(answer, DIRECTORY, SITE, AT)
    assert card is not None
    return card.detail


def _searchset(answer: Flagged) -> str:
    around = Surroundings(TEAMS, "Ring.", MANNER, "https://hospital.example", "https://hospital.example/Flag", AT)
    *_, outcome = to_searchset("Flag", answer, around)["entry"]
    issues = orjson.loads(orjson.dumps(outcome))["resource"]["issue"]
    return " ".join(issue["details"]["text"] for issue in issues)


def _flag_alone(answer: Flagged) -> str:
    flag = to_flag(answer.flags, TEAMS)
    check_valid(orjson.loads(orjson.dumps(flag)))
    return str(flag.get("text", {}).get("div", ""))


def _care_plan(answer: Flagged) -> str:
    return " ".join(note["text"] for note in to_care_plan(answer.flags[0], TEAMS["301"]).get("note", []))


def _encounter(answer: Flagged) -> str:
    return to_kept(answer, (), MANNER, shows_flags=True).decode()


def _query(answer: Flagged) -> str:
    team = query_response.Team("301", NAME, "01632 960301", "01632 961301")
    around = query_response.Surroundings({"301": team}, (), "Ring.")
    return query_response.render_answer(refer_to(parse(q22())), FLAG.nhs_number, answer, around, "NR1", AT).decode()


def _command(answer: Flagged) -> str:
    return "\n".join(lines_of(answer, DIRECTORY, SITE, AT))


DOORS = [_banner, _card, _searchset, _flag_alone, _care_plan, _encounter, _query, _command]
NAMELESS = {_encounter}
"""The answer to a recorded encounter describes no plan and names no authority."""


def _answer(flag: Flag) -> Flagged:
    shown = ShownFlag(flag, Standing.OPEN, ended_for_age=False)
    return Flagged((shown,), (), Coverage((Feed("302", "Birchford", AT, late=False),)))


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__.strip("_"))
@pytest.mark.parametrize("missed", [1, 2, 30])
def test_every_door_says_that_a_plan_is_not_in_the_latest_extract(door: Callable[[Flagged], str], missed: int) -> None:
    said = door(_answer(replace(FLAG, missed_snapshots=missed)))
    assert (SAID_OF_SENSITIVE if door in NAMELESS else SAID) in said
    assert ("Ambershire" in said) is (door not in NAMELESS)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__.strip("_"))
def test_of_a_sensitive_plan_every_door_says_so_and_names_no_authority(door: Callable[[Flagged], str]) -> None:
    said = door(_answer(replace(FLAG, missed_snapshots=1, sensitive=True)))
    assert SAID_OF_SENSITIVE in said
    assert "Ambershire" not in said


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__.strip("_"))
def test_nothing_is_said_of_a_plan_that_the_latest_extract_names(door: Callable[[Flagged], str]) -> None:
    assert "Not in" not in door(_answer(FLAG))


@pytest.mark.parametrize("sensitive", [False, True])
def test_the_commands_json_says_it_by_a_value(sensitive: bool) -> None:
    [flag] = to_json(_answer(replace(FLAG, missed_snapshots=1, sensitive=sensitive)))["flags"]
    assert flag["in_latest_extract"] is False
    [flag] = to_json(_answer(replace(FLAG, sensitive=sensitive)))["flags"]
    assert "in_latest_extract" not in flag


def test_a_missing_plan_is_answered_as_open_as_any_other() -> None:
    """It never hides a flag, and never makes one less urgent."""
    missing, known = (_answer(replace(FLAG, missed_snapshots=missed)) for missed in (2, 0))
    cards = [word_answer(answer, DIRECTORY, SITE, AT) for answer in (missing, known)]
    assert cards[0]
    assert cards[1]
    assert (cards[0].indicator, cards[0].summary) == (cards[1].indicator, cards[1].summary)
    views = [banner_view(answer, DIRECTORY, SITE, [], AT) for answer in (missing, known)]
    assert views[0].kind == views[1].kind == "flagged"
    assert replace(views[0].flags[0], missing="") == views[1].flags[0]
