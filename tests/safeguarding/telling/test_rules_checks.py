"""What a team, a rule or a cover may not be: each refused with the field and a sentence that says what to do."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.routing import EMERGENCY, OFFICE, Contact, Cover, Duty, Routing, Rule, Step, Team
from safeguarding.telling.rules_checks import cover_errors, rule_errors, team_errors, tidy_contact, to_mobile, uses_of

HOOK = "01a20000-0000-7000-8000-000000000001"
TEAMS = {
    OFFICE: Team(OFFICE, "office team", "020 7946 0101", Duty.OFFICE),
    EMERGENCY: Team(EMERGENCY, "emergency duty team", "020 7946 0109", Duty.OUTSIDE),
    "mash": Team("mash", "MASH", "020 7946 0111", Duty.OFFICE, deputy="nights"),
    "nights": Team("nights", "Night team", "020 7946 0112", Duty.OWN, ((1, time(20), time.max),)),
}
NIGHTS = Rule("nights", (Step(EMERGENCY, 30),), during=Duty.OUTSIDE)
ROUTING = Routing("706", (), TEAMS, (NIGHTS,))
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = Team("mash", "MASH", "020 7946 0111", Duty.OFFICE)


def contact(channel: ChannelName, address: str, after: int | None = None) -> Contact:
    return Contact(channel, address, after)


MAIL = contact(ChannelName.EMAIL, "duty@706.example")


@pytest.mark.parametrize(
    "changes, where, said",
    [
        ({"name": " "}, "name", "Enter a name"),
        ({"name": "x" * 81}, "name", "80 characters"),
        ({"name": "night TEAM "}, "name", "team of this name already"),
        ({"name": "MASH\r\nBcc: x"}, "name", "one line"),
        ({"name": "MASH \u202e9010 6497 020"}, "name", "one line"),
        ({"phone": ""}, "phone", "phone number"),
        ({"phone": "ask Jo"}, "phone", "phone number"),
        ({"duty": Duty.OWN}, "hours", "Enter the hours"),
        ({"deputy": "mash"}, "deputy", "stand in for itself"),
        ({"deputy": "gone"}, "deputy", "there no longer"),
        ({"deputy": EMERGENCY}, "deputy", "only where a rule names it"),
        ({"code": OFFICE, "name": "office team", "duty": Duty.ALWAYS}, "duty", "office hours"),
        ({"code": EMERGENCY, "name": "EDT", "duty": Duty.OFFICE}, "duty", "when the office is not"),
        ({"contacts": (contact(ChannelName.EMAIL, "duty"),)}, "contact-1", "Enter an e-mail address"),
        ({"contacts": (contact(ChannelName.NOTIFY_EMAIL, "a b@c.example"),)}, "contact-1", "Enter an e-mail address"),
        ({"contacts": (contact(ChannelName.EMAIL, "a@b.example, c@d.example"),)}, "contact-1", "Enter an e-mail address"),
        ({"contacts": (contact(ChannelName.EMAIL, "a@b.example (Jo Harding)"),)}, "contact-1", "Enter an e-mail address"),
        ({"contacts": (contact(ChannelName.NOTIFY_EMAIL, f"{'a' * 243}@706.example"),)}, "contact-1", "Enter an e-mail address"),
        ({"contacts": (MAIL, contact(ChannelName.SMS, "020 7946 0101"))}, "contact-2", "Enter a mobile number"),
        ({"contacts": (contact(ChannelName.WEBHOOK, "not-ours"),)}, "contact-1", "one of your own webhooks"),
        ({"contacts": (contact(ChannelName.SCREEN, "706"),)}, "contact-1", "Choose how"),
        ({"contacts": (contact(ChannelName.HL7, "R0A01"),)}, "contact-1", "Choose how"),
        ({"contacts": (MAIL, replace(MAIL, address="DUTY@706.example"))}, "contact-2", "stands above already"),
        ({"contacts": (replace(MAIL, after_minutes=5),)}, "after-1", "none is before it"),
        ({"contacts": (MAIL, contact(ChannelName.WEBHOOK, HOOK, 0))}, "after-2", "from 1 to 1440"),
        ({"contacts": (MAIL, contact(ChannelName.WEBHOOK, HOOK, 1441))}, "after-2", "from 1 to 1440"),
        ({"contacts": (MAIL, contact(ChannelName.WEBHOOK, HOOK, -1))}, "after-2", "from 1 to 1440"),
        ({"contacts": tuple(contact(ChannelName.EMAIL, f"{n}@706.example") for n in range(9))}, "contact-1", "8 contacts at most"),
    ],
)
def test_a_team_that_makes_no_sense_is_refused(changes: Mapping[str, object], where: str, said: str) -> None:
    errors = team_errors(ROUTING, replace(GOOD, **changes), {HOOK: "case system"})  # type: ignore[arg-type]
    assert set(errors) == {where}
    assert said in errors[where]


@pytest.mark.parametrize(
    "team",
    [
        GOOD,
        Team(OFFICE, "office team", "", Duty.OFFICE, deputy="mash"),
        Team(EMERGENCY, "EDT", "", Duty.OWN, ((1, time(17), time.max),)),
        replace(GOOD, contacts=(MAIL, contact(ChannelName.SMS, "+447700900123", 15), contact(ChannelName.WEBHOOK, HOOK))),
    ],
    ids=["plain", "office", "emergency", "contacts"],
)
def test_a_team_that_makes_sense_is_taken(team: Team) -> None:
    assert team_errors(ROUTING, team, {HOOK: "case system"}) == {}


@pytest.mark.parametrize(
    "text, number",
    [
        ("07700 900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("0044 (7700) 900-123", "+447700900123"),
        ("+353 85 012 3456", "+353850123456"),
        ("07624 900123", "+447624900123"),
        ("07000 900123", None),
        ("07640 900123", None),
        ("+44 20 7946 0101", None),
        ("020 7946 0101", None),
        ("7700900123", None),
        ("07700 90012", None),
        ("+0 7700 900123", None),
        ("07700 900123 ask for Jo", None),
        ("٠٧٧٠٠٩٠٠١٢٣", None),
        ("", None),
    ],
)
def test_a_mobile_number_is_kept_as_e164_writes_it_and_nothing_else_is_one(text: str, number: str | None) -> None:
    assert to_mobile(text) == number
    kept = tidy_contact(contact(ChannelName.SMS, f" {text} ")).address
    assert kept == (number or text)


@pytest.mark.parametrize(
    "changes, where, said",
    [
        ({"name": ""}, "name", "Enter a name"),
        ({"name": "x" * 121}, "name", "120 characters"),
        ({"name": "Nights"}, "name", "rule of this name already"),
        ({"name": "unborn \u2066at night"}, "name", "one line"),
        ({"steps": ()}, "step-1", "told first"),
        ({"steps": (Step("gone", 5),)}, "step-1", "there no longer"),
        ({"steps": (Step(OFFICE, 5), Step("mash", 5), Step(OFFICE, 5))}, "step-3", "in this line already"),
        ({"steps": (Step(OFFICE, 0),)}, "minutes-1", "from 1 to 10080"),
        ({"steps": (Step(OFFICE, 5), Step("mash", 10081))}, "minutes-2", "from 1 to 10080"),
        ({"care_settings": frozenset({CareSetting.MATERNITY, CareSetting.GP})}, "settings", "unscheduled services only"),
        ({"care_settings": frozenset({CareSetting.SARC})}, "settings", "unscheduled services only"),
        ({"opens": time(22)}, "opens", "both ends"),
        ({"closes": time(22)}, "opens", "both ends"),
        ({"opens": time(22), "closes": time(22)}, "opens", "ends when it begins"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(changes: Mapping[str, object], where: str, said: str) -> None:
    rule = replace(Rule("unborn at night", (Step(OFFICE, 30),)), **changes)  # type: ignore[arg-type]
    errors = rule_errors(ROUTING, rule, ROUTING.rules)
    assert set(errors) == {where}
    assert said in errors[where]


@pytest.mark.parametrize(
    "cover, where, said",
    [
        (Cover("gone", "nights", AT, AT + HOUR), "team", "Choose the team that is away"),
        (Cover(OFFICE, "", AT, AT + HOUR), "deputy", "Choose the team that stands in"),
        (Cover(OFFICE, OFFICE, AT, AT + HOUR), "deputy", "for itself"),
        (Cover(OFFICE, EMERGENCY, AT, AT + HOUR), "deputy", "only where a rule names it"),
        (Cover(OFFICE, "mash", AT, AT), "ends", "after it begins"),
        (Cover(OFFICE, "mash", AT - 2 * HOUR, AT), "ends", "in the future"),
        (Cover(OFFICE, "mash", AT, AT + timedelta(days=367)), "ends", "a year at most"),
        (Cover("mash", OFFICE, AT, AT + HOUR), "team", "has a cover in this time already"),
        (Cover("nights", "mash", AT, AT + HOUR), "deputy", "stands in for this team"),
    ],
    ids=["no team", "no deputy", "itself", "emergency", "no time", "past", "too long", "overlaps", "circle"],
)
def test_a_cover_that_would_leave_alerts_unread_is_refused(cover: Cover, where: str, said: str) -> None:
    standing = [Cover("mash", "nights", AT - HOUR, AT + HOUR), Cover("nights", "mash", AT + HOUR, AT + 2 * HOUR)]
    errors = cover_errors(ROUTING, cover, standing, AT)
    assert set(errors) == {where}
    assert said in errors[where]


def test_a_deputy_may_be_covered_in_its_turn_and_covers_may_follow_each_other() -> None:
    standing = [Cover("mash", "nights", AT, AT + HOUR)]
    assert cover_errors(ROUTING, Cover(OFFICE, "mash", AT, AT + HOUR), standing, AT) == {}
    assert cover_errors(ROUTING, Cover("mash", OFFICE, AT + HOUR, AT + 2 * HOUR), standing, AT) == {}


def test_every_place_that_names_a_team_is_said() -> None:
    routing = replace(ROUTING, covers=(Cover("nights", OFFICE, AT, AT + HOUR),))
    assert uses_of(routing, "nights") == ["the MASH, whose deputy it is", "a cover"]
    assert uses_of(routing, EMERGENCY) == ["rule “nights”"]
    assert uses_of(routing, "mash") == []
