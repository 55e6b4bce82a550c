"""The conditions of each step as values: whether each is met, what is the case, and how to meet it. Pure.

`steps` refuses by them in a production store; commands and pages show them in every store.
Source: docs/facts.md, section 4 ("live needs two people, tested phone numbers, agreed control totals and an agreement on record";
"authorities must match ≥ 95 % before going live").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.flag import FlagKind
from runtime.clock import england_day
from safeguarding.arrivals import LIVE_BELOW
from safeguarding.onboarding.facts import AuthorityFacts, Checked, Facts, Phone, SiteFacts
from safeguarding.onboarding.states import State
from safeguarding.time_words import day, moment

MATCHED_AT_LEAST = 0.95
_BOTH = frozenset({State.TRIAL, State.LIVE})
_LIVE = frozenset({State.LIVE})


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `says` is what is the case, `how` what somebody does to meet it; it is needed for these steps."""

    code: str
    title: str
    met: bool
    says: str
    how: str
    needed_for: frozenset[State]


def conditions(facts: Facts) -> tuple[Condition, ...]:
    """All conditions of the party, in the order in which people meet them."""
    return _of_authority(facts) if isinstance(facts, AuthorityFacts) else _of_site(facts)


def missing(found: Sequence[Condition], state: State) -> tuple[Condition, ...]:
    """Those that a step to the state still lacks, but for the second person."""
    return tuple(each for each in found if state in each.needed_for and not each.met and each.code != TWO_PEOPLE)


TWO_PEOPLE = "two-people"


def _of_authority(facts: AuthorityFacts) -> tuple[Condition, ...]:
    command = f"nightlight authority confirm {facts.code}"
    details = f"nightlight authority details {facts.code}"
    return (
        _agreement(facts),
        _set("hours", "Office hours", facts.stretches > 0, f"{facts.stretches} stretches a week", "add it with --hours", _BOTH),
        _set("data-email", "Mailbox of the data officers", facts.data_email, facts.data_email, f"{details} --data-email", _BOTH),
        _set("alert-email", "Mailbox for alerts", facts.alert_email, facts.alert_email, f"{details} --email", _LIVE),
        _phone("office-phone", "Office phone rung", facts.office_phone, f"{command} office-phone"),
        _phone("emergency-phone", "Emergency duty phone rung", facts.emergency_phone, f"{command} emergency-phone"),
        _extract(facts),
        _accepted(facts),
        _totals(facts),
        _matched(facts),
        _two_people(facts),
    )


def _of_site(facts: SiteFacts) -> tuple[Condition, ...]:
    details = f"nightlight site details {facts.code}"
    return (
        _agreement(facts),
        _set(
            "host", "Authority where the site stands", facts.host_authority, f"Authority {facts.host_authority}",
            f"{details} --host-authority", _BOTH,
        ),
        _phone(
            "safeguarding-phone", "Safeguarding team’s phone rung", facts.safeguarding_phone,
            f"nightlight site confirm {facts.code} safeguarding-phone",
        ),
        _systems(facts),
        _heard(facts),
        _classified(facts),
        _two_people(facts),
    )  # fmt: skip


def _set(code: str, title: str, value: object, says: str | None, how: str, needed: frozenset[State]) -> Condition:
    return Condition(code, title, bool(value), says if value and says else "Not set.", f"Set it: {how}.", needed)


def _agreement(facts: Facts) -> Condition:
    held = facts.agreement
    until = "" if held is None or held.last_day is None else f", until {day(held.last_day)}"
    says = "No agreement is in force." if held is None else f"“{held.title}” is in force{until}."
    how = "Record the agreement: page Onboarding, Agreements, or nightlight authority agreement record."
    return Condition("agreement", "Agreement in force", held is not None, says, how, _BOTH)


def _phone(code: str, title: str, phone: Phone, how: str) -> Condition:
    if not phone.number:
        says = "No phone is set."
    elif phone.tested is None:
        says = f"Nobody has rung {phone.number} yet."
    elif not phone.is_tested:
        says = f"{phone.tested.by} rang {phone.tested.value} {_when(phone.tested)}; it is {phone.number} now."
    else:
        says = f"{phone.tested.by} rang {phone.number} {_when(phone.tested)}."
    return Condition(code, title, phone.is_tested, says, f"Ring it. Where the team answers, record it: {how}.", _LIVE)


def _when(checked: Checked) -> str:
    return f"on {moment(checked.at)}"


def _extract(facts: AuthorityFacts) -> Condition:
    says = "No extract has loaded." if facts.extract is None else f"The newest was taken {moment(facts.extract.extracted_at)}."
    how = "Load a full extract while the authority is on trial; nobody is shown it."
    return Condition("extract", "First extract loaded", facts.extract is not None, says, how, _LIVE)


def _accepted(facts: AuthorityFacts) -> Condition:
    title, how = f"At least {MATCHED_AT_LEAST:.0%} of the records accepted", "Mend the rejected records and load them again."
    if facts.extract is None or not facts.extract.records:
        return Condition("accepted", title, False, "No record was loaded.", how, _LIVE)
    records, rejected = facts.extract.records, facts.extract.rejected
    met = (records - rejected) / records >= MATCHED_AT_LEAST
    return Condition("accepted", title, met, f"{rejected} of the newest extract’s {records} records were rejected.", how, _LIVE)


def _totals(facts: AuthorityFacts) -> Condition:
    held = f"Held open: {counts_in_words(facts.held)}."
    says = f"Nobody has compared them. {held}"
    if facts.totals is not None:
        says = f"{facts.totals.by} agreed {facts.totals.value} on {day(england_day(facts.totals.at))}. {held}"
    how = f"Count the open plans in the case system and compare: nightlight authority confirm {facts.code} control-totals."
    return Condition("control-totals", "Control totals agreed", facts.totals is not None, says, how, _LIVE)


def _matched(facts: AuthorityFacts) -> Condition:
    title = f"At least {MATCHED_AT_LEAST:.0%} of its open plans matched with PDS"
    if facts.matched is None:
        return Condition("matched", title, True, "Not measured: PDS was not asked. It stands in nobody’s way.", "", _LIVE)
    says = f"PDS confirms {int(facts.matched * 1000) / 10:.1f}% of those it was asked about and of the rejected records."
    return Condition(
        "matched", title, facts.matched >= MATCHED_AT_LEAST, says, "Mend the names, birth dates and numbers that differ.", _LIVE
    )


def _systems(facts: SiteFacts) -> Condition:
    total = facts.certified_peers + facts.clients if facts.is_production else facts.peers + facts.clients
    says = f"{facts.peers} peers ({facts.certified_peers} by certificate) and {facts.clients} clients may speak for it."
    how = f"Register its system: nightlight peer add … --certificate … --sites {facts.code}, or nightlight client add."
    title = "Its system registered by certificate" if facts.is_production else "Its system registered"
    return Condition("systems", title, total > 0, says, how, _BOTH)


def _heard(facts: SiteFacts) -> Condition:
    says = "Nothing was ever heard." if facts.heard_at is None else f"The last message came {moment(facts.heard_at)}."
    how = "Let its feed send while the site is on trial: its messages are tests, and nobody is told."
    return Condition("heard", "Messages heard within a day", facts.heard_lately, says, how, _LIVE)


def _classified(facts: SiteFacts) -> Condition:
    met = facts.arrivals > 0 and facts.unclassified / facts.arrivals < LIVE_BELOW
    says = f"{facts.unclassified} of {facts.arrivals} arrivals of the last 7 days fitted no rule."
    how = f"Add what is missing: nightlight site rule add {facts.code}."
    return Condition("rules", f"Fewer than {LIVE_BELOW:.0%} of its arrivals fit no rule", met, says, how, _LIVE)


def _two_people(facts: Facts) -> Condition:
    title, how = "Two people", "One asks for the step; somebody else confirms it."
    if not facts.is_production:
        return Condition(TWO_PEOPLE, title, True, "This is a test store: one person is enough.", how, _LIVE)
    says = "Nobody has asked for a step."
    if facts.asked is not None:
        says = f"{facts.asked.by_name} asked for “{facts.asked.state.words}” on {moment(facts.asked.at)}; somebody else confirms."
    return Condition(TWO_PEOPLE, title, facts.asked is not None, says, how, _LIVE)


def counts_in_words(counts: Mapping[str, int]) -> str:
    """ "2 CPP, 1 LAC, 0 UCPP"."""
    return ", ".join(f"{counts.get(kind.value, 0)} {kind.value}" for kind in FlagKind)
