"""The page "Who is told": who may see and change it, what it refuses, and that the banner and the alerts follow what it saved."""

import re
from datetime import date, datetime, time, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from domain.actor import Role
from domain.alert import ChannelName
from domain.flag import FlagKind
from domain.routing import EMERGENCY, OFFICE, Contact, Cover, Duty, Rule, Step
from runtime.clock import ENGLAND, england_day, now
from safeguarding.telling.rules import Rulebook, read_rulebook
from tests.api.house import NORTHMOOR, ST_AGNES, WESTLEA, House, nhs_number
from tests.api.reading import details, words

READ = ["/telling", "/telling/what-if?kind=CPP&where=maternity&day=2026-12-27&time=03:00"]
EDIT = [
    "/telling/hours", "/telling/rules/new", "/telling/rules/1", "/telling/teams/new", "/telling/teams/office",
    "/telling/covers/new",
]  # fmt: skip
FORMS = [*EDIT, "/telling/closed-days", "/telling/covers/01a20000-0000-7000-8000-000000000000/end"]
NO_HOOK = "webhook 01a20000-0000-7000-8000-000000000009"
OTHERS = [(Role.CLINICIAN, "R0A"), (Role.SITE_SAFEGUARDING, "R0A"), (Role.INFORMATION_GOVERNANCE, "nightlight")]
RULE = {"name": "Unborn at night", "kinds": ["UCPP"], "during": "outside-office", "step-1": EMERGENCY, "minutes-1": "30"}
TEAM = {
    "name": "MASH", "phone": "020 7946 0111", "duty": "own", "hours": "Mon-Fri 09:00-17:00", "channel-1": "email",
    "contact-1": "mash@706.example", "channel-2": "sms", "contact-2": "07700 900123", "after-2": "15",
}  # fmt: skip


async def officer(house: House, name: str = "Dora Lindqvist", authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority, name)


async def book(house: House, authority: str = NORTHMOOR) -> Rulebook:
    async with house.database.transaction() as transaction:
        return await read_rulebook(transaction, authority)


async def get(house: House, session: str, path: str) -> httpx.Response:
    async with house.browser(session) as browser:
        return await browser.get(path)


async def send(house: House, session: str, path: str, **form: Any) -> httpx.Response:
    """A form as the page has it: with its mark, unless the test names one."""
    if "mark" not in form and path != "/telling/covers/new":
        page = (await get(house, session, path if "closed-days" not in path else "/telling/hours")).text
        found = re.search(r'name="mark" value="([^"]*)"', page)
        form["mark"] = found.group(1) if found else ""
    async with house.browser(session) as browser:
        return await browser.post(path, data={"csrf": await house.token(session), "action": "save"} | form)


async def webhook(house: House, authority: str = NORTHMOOR) -> str:
    """The id of a new webhook of the authority."""
    [(id,)] = await house.rows(
        "INSERT INTO webhooks (authority_code, name, url, added_by) VALUES (%s, 'case system', 'https://w', 't') RETURNING id",
        authority,
    )
    return str(id)


async def audits(house: House) -> list[tuple[object, ...]]:
    return await house.rows("SELECT actor_name, action FROM audit_events WHERE action LIKE 'telling.%%' ORDER BY id")


# Who may see what


@pytest.mark.parametrize("path", [*READ, *EDIT])
async def test_anonymous_people_are_sent_to_sign_in(house: House, path: str) -> None:
    assert (await get(house, "", path)).status_code == 303


@pytest.mark.parametrize("path", FORMS)
async def test_anonymous_forms_do_nothing(house: House, path: str) -> None:
    async with house.browser() as browser:
        assert (await browser.post(path, data={"csrf": "x"})).status_code == 401


@pytest.mark.parametrize("role, organisation", OTHERS)
async def test_for_everybody_else_these_pages_do_not_exist(house: House, role: Role, organisation: str) -> None:
    session = await house.sign_in(role, organisation)
    for path in (*READ, *EDIT):
        assert (await get(house, session, path)).status_code == 404
    for path in FORMS:
        assert (await send(house, session, path, mark="", **RULE)).status_code == 404


async def test_a_social_worker_reads_and_changes_nothing(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    for path in READ:
        assert (await get(house, session, path)).status_code == 200
    page = (await get(house, session, "/telling")).text
    assert "Add a rule" not in page
    assert 'method="post"' not in page.split("<main")[1]
    for path in EDIT:
        assert (await get(house, session, path)).status_code == 404
    for path in FORMS:
        assert (await send(house, session, path, mark="", **RULE)).status_code == 404
    assert await audits(house) == []


async def test_another_authority_sees_nothing_of_it_and_changes_its_own(house: House) -> None:
    assert (await send(house, await officer(house), "/telling/rules/new", **RULE)).status_code == 303
    other = await officer(house, "Olu Adeyemi", WESTLEA)
    assert "Unborn at night" not in (await get(house, other, "/telling")).text
    gone = await get(house, other, "/telling/rules/1")
    assert (gone.status_code, gone.headers["location"]) == (303, "/telling#rules")
    assert (await send(house, other, "/telling/rules/1", mark=(await book(house)).rules_mark, action="remove")).status_code == 422
    assert [rule.name for rule in (await book(house)).routing.rules] == ["Unborn at night"]


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_that_is_not_ours_is_not_read(house: House, path: str) -> None:
    session = await officer(house)
    async with house.browser(session) as browser:
        assert (await browser.post(path, data={"csrf": "x", **RULE})).status_code == 403
    assert await audits(house) == []


# What is refused, beside its field


@pytest.mark.parametrize(
    "path, form, where, said",
    [
        ("/telling/hours", {"hours": "whenever"}, "hours", "cannot be read"),
        ("/telling/hours", {"hours": ""}, "hours", "at least one line"),
        ("/telling/closed-days", {"day": "tomorrow", "reason": "training"}, "day", "Enter a day"),
        ("/telling/closed-days", {"day": "2020-01-01", "reason": "training"}, "day", "from today on"),
        ("/telling/closed-days", {"day": "2099-01-05", "reason": ""}, "reason", "Say why"),
        ("/telling/rules/new", {**RULE, "name": ""}, "name", "Enter a name"),
        ("/telling/rules/new", {**RULE, "step-1": ""}, "step-1", "told first"),
        ("/telling/rules/new", {**RULE, "step-1": "made-up"}, "step-1", "there no longer"),
        ("/telling/rules/new", {**RULE, "minutes-1": "soon"}, "minutes-1", "from 1 to 10080"),
        ("/telling/rules/new", {**RULE, "minutes-1": ""}, "minutes-1", "from 1 to 10080"),
        ("/telling/rules/new", {**RULE, "opens": "22:00"}, "opens", "both ends"),
        ("/telling/rules/new", {**RULE, "opens": "at ten", "closes": "23:00"}, "opens", "time of day"),
        ("/telling/rules/new", {**RULE, "settings": ["gp"]}, "settings", "unscheduled services only"),
        ("/telling/teams/new", {**TEAM, "hours": "Mon 09:00-08:00"}, "hours", "ends before it begins"),
        ("/telling/teams/new", {**TEAM, "contact-1": "mash"}, "contact-1", "Enter an e-mail address"),
        ("/telling/teams/new", {**TEAM, "channel-1": ""}, "contact-1", "Choose how"),
        ("/telling/teams/new", {**TEAM, "channel-1": "mesh"}, "contact-1", "Choose how"),
        ("/telling/teams/new", {**TEAM, "contact-2": "020 7946 0101"}, "contact-2", "Enter a mobile number"),
        ("/telling/teams/new", {**TEAM, "after-2": "a while"}, "after-2", "from 1 to 1440"),
        (
            "/telling/teams/new",
            {**TEAM, "channel-2": NO_HOOK},
            "contact-2",
            "your own webhooks",
        ),
        ("/telling/teams/office", {**TEAM, "duty": "always"}, "duty", "office hours"),
        ("/telling/covers/new", {"team": OFFICE, "deputy": EMERGENCY}, "starts-day", "day and the time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_makes_no_sense_comes_back_with_the_reason_beside_it(
    house: House, path: str, form: dict[str, Any], where: str, said: str
) -> None:
    session, before = await officer(house), (await book(house)).routing
    answer = await send(house, session, path, **form)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert f'href="#{where}"' in answer.text
    assert f'id="{where}"' in answer.text or f'id="{where}-1"' in answer.text
    assert said in words(unescape(answer.text))
    assert (await book(house)).routing == before
    assert await audits(house) == []


async def test_what_was_entered_stands_in_the_form_again_and_is_escaped(house: House) -> None:
    form = {**TEAM, "name": "<script>alert(1)</script>", "phone": "ask Jo"}
    page = (await send(house, await officer(house), "/telling/teams/new", **form)).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    for value in ("mash@706.example", "07700 900123", "Mon-Fri 09:00-17:00", 'value="15"'):
        assert value in page


async def test_a_team_that_a_rule_names_is_not_taken_away(house: House) -> None:
    session = await officer(house)
    await send(house, session, "/telling/teams/new", **TEAM)
    await send(house, session, "/telling/rules/new", **{**RULE, "step-1": "mash"})
    answer = await send(house, session, "/telling/teams/mash", action="remove")
    assert answer.status_code == 422
    assert "The MASH is named by rule “Unborn at night”: name another team there first" in words(answer.text)
    assert "mash" in (await book(house)).routing.teams


async def test_another_authoritys_webhook_is_none_of_ours(house: House) -> None:
    theirs = await webhook(house, WESTLEA)
    session = await officer(house)
    assert "case system" not in (await get(house, session, "/telling/teams/new")).text
    answer = await send(house, session, "/telling/teams/new", **{**TEAM, "channel-2": f"webhook {theirs}"})
    assert "one of your own webhooks" in words(answer.text)


# Two at once


@pytest.mark.parametrize(
    "path, bens, doras",
    [
        ("/telling/hours", {"hours": "Mon 09:00-17:00"}, {"hours": "Tue 09:00-17:00"}),
        ("/telling/teams/office", {"name": "Front door"}, {"name": "Reception"}),
        ("/telling/rules/1", {**RULE, "name": "Ben's"}, {**RULE, "name": "Dora's"}),
        ("/telling/rules/1", {"action": "remove"}, {**RULE, "name": "Dora's"}),
    ],
    ids=["hours", "team", "rule", "removed"],
)
async def test_who_is_second_is_told_and_loses_nothing_of_the_first(
    house: House, path: str, bens: dict[str, Any], doras: dict[str, Any]
) -> None:
    dora, ben = await officer(house), await officer(house, "Ben Castellane")
    await send(house, dora, "/telling/rules/new", **RULE)
    seen = await book(house)
    mark = {"/telling/hours": seen.hours_mark, "/telling/teams/office": seen.team_mark(OFFICE)}.get(path, seen.rules_mark)
    assert (await send(house, ben, path, mark=mark, **bens)).status_code == 303
    stands = (await book(house)).routing
    answer = await send(house, dora, path, mark=mark, **doras)
    assert answer.status_code == 422
    assert "Somebody else has changed this since you opened it, and nothing of yours was saved" in words(answer.text)
    assert (await book(house)).routing == stands
    if bens.get("action") != "remove":
        renewed = re.search(r'name="mark" value="([^"]*)"', answer.text)
        assert renewed is not None
        assert (await send(house, dora, path, mark=renewed.group(1), **doras)).status_code == 303, "who has seen it may replace it"


@pytest.mark.parametrize(
    "path, wrong, right",
    [
        ("/telling/hours", {"hours": "never"}, {"hours": "Tue 09:00-17:00"}),
        ("/telling/teams/office", {"name": ""}, {"name": "Reception"}),
    ],
)
async def test_a_mistake_that_is_mended_does_not_hide_that_somebody_was_first(
    house: House, path: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    dora, ben = await officer(house), await officer(house, "Ben Castellane")
    seen = await book(house)
    mark = seen.hours_mark if path == "/telling/hours" else seen.team_mark(OFFICE)
    await send(house, ben, path, hours="Mon 09:00-17:00", name="Front door")
    mistaken = await send(house, dora, path, mark=mark, **wrong)
    assert f'name="mark" value="{mark}"' in mistaken.text
    assert "Somebody else has changed this" in (await send(house, dora, path, mark=mark, **right)).text


# The good case


async def test_what_is_saved_is_what_is_kept_and_holds_at_once(house: House) -> None:
    session = await officer(house)
    hook = await webhook(house)
    team = {**TEAM, "deputy": OFFICE, "channel-3": f"webhook {hook}", "contact-3": ""}
    rule = {
        "name": "Unborn at night", "kinds": ["UCPP", "CPP"], "settings": ["maternity", "emergency-department"],
        "occasions": ["attendance"], "during": "outside-office", "weekdays": ["6", "7"], "opens": "22:00", "closes": "06:00",
        "step-1": "mash", "minutes-1": "20", "step-3": EMERGENCY, "minutes-3": "30",
    }  # fmt: skip
    for path, form in (
        ("/telling/teams/new", team),
        ("/telling/rules/new", rule),
        ("/telling/hours", {"hours": "Mon-Fri 8:45-17:00"}),
    ):
        answer = await send(house, session, path, **form)
        assert answer.status_code == 303, words(answer.text)
    routing = (await house.app.state.services.directory.current()).routing(NORTHMOOR)
    assert routing == (await book(house)).routing
    assert routing.teams["mash"].contacts == (
        Contact(ChannelName.EMAIL, "mash@706.example"), Contact(ChannelName.SMS, "+447700900123", 15),
        Contact(ChannelName.WEBHOOK, hook),
    )  # fmt: skip
    assert routing.rules == (
        Rule(
            "Unborn at night", (Step("mash", 20), Step(EMERGENCY, 30)), frozenset({FlagKind.UCPP, FlagKind.CPP}),
            routing.rules[0].care_settings, routing.rules[0].occasions, Duty.OUTSIDE, frozenset({6, 7}),
            time(22), time(6),
        ),
    )  # fmt: skip
    page = words(unescape((await get(house, session, "/telling")).text))
    for said in (
        "child protection plan or unborn child protection plan and in Emergency department or Maternity and when a child is seen "
        "and outside office hours and on Saturday or Sunday and from 22:00 to 06:00 (over midnight)",
        "MASH, 20 minutes to acknowledge then emergency duty team, 30 minutes to acknowledge",
        "one or two people who take emergencies only",
        "text message to +447700900123, only if nothing got through in 15 minutes",
        "webhook to case system",
        "Mon-Fri 08:45-17:00",
    ):
        assert said in page
    unchanged = (await get(house, session, "/telling/teams/mash")).text
    assert f'value="webhook {hook}" selected' in unchanged
    assert [action for _, action in await audits(house)] == ["telling.team", "telling.rule", "telling.hours"]


async def test_a_form_that_is_opened_and_saved_changes_nothing(house: House) -> None:
    """What stands in the form of the office team is what stood: nobody loses a mailbox or a phone by looking."""
    await house.rows("UPDATE authorities SET alert_email = 'duty@706.example' WHERE code = %s RETURNING 1", NORTHMOOR)
    session, before = await officer(house), (await book(house)).routing
    page = (await get(house, session, "/telling/teams/office")).text
    form = dict(re.findall(r'<input[^>]*name="([a-z0-9-]+)"[^>]*value="([^"]*)"', page))
    assert form["contact-1"] == "duty@706.example"
    answer = await send(
        house, session, "/telling/teams/office", **{**form, "duty": "office", "channel-1": "email", "action": "save"}
    )
    assert answer.status_code == 303
    assert (await book(house)).routing == before


async def test_without_a_rule_the_emergency_team_is_told_of_nothing_and_the_page_says_so(house: House) -> None:
    session = await officer(house)
    page = words((await get(house, session, "/telling")).text)
    assert "The emergency duty team is told only if … a rule names it, and none does." in page
    await send(house, session, "/telling/rules/new", **RULE)
    page = words(unescape((await get(house, session, "/telling")).text))
    rule = "“Unborn at night”: unborn child protection plan; outside office hours → emergency duty team, 30 minutes to acknowledge"
    assert f"The emergency duty team is told only if {rule}" in page


async def test_rules_are_moved_changed_and_taken_away(house: House) -> None:
    session = await officer(house)
    for name in ("first", "second", "third"):
        await send(house, session, "/telling/rules/new", **{**RULE, "name": name})
    for path, form in (
        ("/telling/rules/3", {"action": "up"}),
        ("/telling/rules/1", {"action": "down"}),
        ("/telling/rules/2", {**RULE, "name": "changed"}),
        ("/telling/rules/3", {"action": "remove"}),
    ):
        assert (await send(house, session, path, **form)).status_code == 303
    assert [rule.name for rule in (await book(house)).routing.rules] == ["third", "changed"]


async def test_a_rule_below_one_that_fits_anything_is_said_to_be_never_reached(house: House) -> None:
    session = await officer(house)
    for name, form in (("all", {"kinds": [], "during": "always", "step-1": OFFICE}), ("some", {})):
        await send(house, session, "/telling/rules/new", **{**RULE, "name": name, **form})
    page = words((await get(house, session, "/telling")).text)
    assert page.count("Never reached") == 1
    assert page.index("2. some") < page.index("Never reached")


async def test_contacts_are_put_in_another_order_and_nothing_is_saved_by_that(house: House) -> None:
    session = await officer(house)
    await send(house, session, "/telling/teams/new", **TEAM)
    page = (await send(house, session, "/telling/teams/mash", **{**TEAM, "action": "up 2"})).text
    assert page.index("07700 900123") < page.index("mash@706.example")
    assert (await book(house)).routing.teams["mash"].contacts[0].channel is ChannelName.EMAIL


async def test_a_team_stands_in_until_it_is_ended_and_the_page_says_who_set_it(house: House) -> None:
    session = await officer(house)
    await send(house, session, "/telling/teams/new", **{**TEAM, "duty": "always"})
    today, later = england_day(now()), england_day(now()) + timedelta(days=3)
    form = {
        "team": OFFICE, "deputy": "mash", "starts-day": today.isoformat(), "starts-time": "00:00", "ends-day": later.isoformat(),
        "ends-time": "09:00",
    }  # fmt: skip
    assert (await send(house, session, "/telling/covers/new", **form)).status_code == 303
    [kept] = (await book(house)).covers
    ends = datetime(later.year, later.month, later.day, 9, 0, tzinfo=ENGLAND)
    assert kept.cover == Cover(OFFICE, "mash", datetime.combine(today, datetime.min.time(), ENGLAND), ends)
    page = words((await get(house, session, "/telling")).text)
    assert "MASH for office team, from" in page
    assert "Set by Dora Lindqvist." in page
    for expected in (303, 404):
        assert (await send(house, session, f"/telling/covers/{kept.id}/end", mark="")).status_code == expected
    assert (await book(house)).covers == ()


async def test_the_office_is_closed_on_a_day_and_opened_again(house: House) -> None:
    session = await officer(house)
    await send(house, session, "/telling/closed-days", day="2099-01-05", reason="Training day")
    assert (await book(house)).closed == {date(2099, 1, 5): "Training day"}
    assert "5 January 2099, Training day" in words((await get(house, session, "/telling")).text)
    await send(house, session, "/telling/closed-days", open="2099-01-05")
    assert (await book(house)).closed == {}


# What would happen if


@pytest.mark.parametrize(
    "query, where, said",
    [
        ("where=maternity&day=2026-12-27&time=03:00", "kind", "Choose what is held"),
        ("kind=CPP&where=nowhere&day=2026-12-27&time=03:00", "where", "Choose where"),
        ("kind=CPP&where=maternity&day=27/12/2026&time=03:00", "day", "Enter a day and a time"),
        ("kind=CPP&where=maternity&day=2026-12-27&time=3", "day", "Enter a day and a time"),
        ("kind=CPP&where=maternity&day=9999-12-27&time=03:00", "day", "Enter a day and a time"),
        ("", "kind", "Choose what is held"),
    ],
)
async def test_a_question_that_makes_no_sense_is_said_beside_its_field(house: House, query: str, where: str, said: str) -> None:
    answer = await get(house, await officer(house), f"/telling/what-if?{query}")
    assert answer.status_code == 422
    assert f'href="#{where}"' in answer.text
    assert said in words(answer.text)


async def test_the_answer_has_an_address_that_says_the_same_to_whoever_opens_it(house: House) -> None:
    dora = await officer(house)
    for path, form in (
        ("/telling/teams/new", TEAM),
        ("/telling/rules/new", {**RULE, "step-1": "mash", "step-2": OFFICE, "minutes-2": "60"}),
    ):
        await send(house, dora, path, **form)
    await send(house, dora, "/telling/hours", hours="Mon-Fri 08:45-17:00")
    path = f"/telling/what-if?kind=UCPP&where={ST_AGNES}&day=2020-12-27&time=03:00&occasion=attendance"
    pages = [
        words(unescape((await get(house, each, path)).text)) for each in (dora, await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR))
    ]
    assert pages[0] == pages[1]
    expected = [
        "If: Unborn child protection plan; a child is seen; St Agnes Hospital; Sunday 27 December 2020 at 03:00",
        "By your rule “Unborn at night”.",
        "At once, whoever is on duty : Worklist of Northmoor Council",
        "MASH Queued Queued until 09:00 on Tuesday 29 December.",
        "e-mail to mash@706.example at 09:00 on Tuesday 29 December",
        "text message to +447700900123 at 09:15 on Tuesday 29 December, only if nothing got through by then",
        "the next team is told at 09:30 on Tuesday 29 December.",
        "Office team Told at 09:30 on Tuesday 29 December.",
        "Nobody is next in line.",
        "Queued for 09:00 on Tuesday 29 December; nobody has read this. Worried? Ring the emergency duty team on 020 7946 0109.",
        "Who to ring now: emergency duty team, 020 7946 0109",
    ]
    places = [pages[0].find(each) for each in expected]
    assert -1 not in places, (places, pages[0])
    assert places == sorted(places)


async def test_the_banner_says_word_for_word_what_the_box_said_that_it_would(house: House) -> None:
    session = await officer(house, "Olu Adeyemi", WESTLEA)
    at = now().astimezone(ENGLAND)
    path = f"/telling/what-if?kind=CPP&where={ST_AGNES}&day={at:%Y-%m-%d}&time={at:%H:%M}"
    page = (await get(house, session, path)).text
    said = re.search(r'<p class="nl-tried[^"]*">(.*?)</p>', page)
    assert said is not None
    await house.flag(nhs_number(1), WESTLEA)
    encounter = await house.seen(nhs_number(1))
    assert words(f"<main>{said.group(1)}</main>") in words((await details(house, encounter)).text)


async def test_with_the_store_away_the_page_says_try_again(house: House) -> None:
    session = await officer(house)
    async with house.browser(session) as browser, house.store_away():
        assert (await browser.get("/telling")).status_code == 503
