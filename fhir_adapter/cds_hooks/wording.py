"""An answer of the desk in the words of a card: one card for a patient, with the worst of what is known. Pure.

`answering` asks for it once the answer is committed, and `cards` makes the JSON. What is said of a plan is what the banner says
(`safeguarding.plan_words`), and whom to ring is who is on duty at this hour. Sources: CDS Hooks 2.0, "Card Attributes";
docs/facts.md, sections 1, 3 and 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.answer import IDENTITY_DOUBTS, Answer, Caution, CouldNotCheck, Coverage, Flagged, ShownFlag
from domain.flag import DISPLAY, Standing
from fhir_adapter.cds_hooks.markdown import escaped, on_one_line, shortened, width
from safeguarding.cards import Indicator
from safeguarding.contacts import contacts, duty_team, ring_instead
from safeguarding.directory import Directory, Site
from safeguarding.plan_words import late_words, missing_words, plan_lines, standing_words
from safeguarding.telling.for_card import CardAlert, ToldOnCard
from safeguarding.telling.incidents import DISPUTED_WORDS
from safeguarding.telling.standing import standing
from safeguarding.telling.standing_words import hidden_words, unread_words
from safeguarding.time_words import moment

LONGEST_SUMMARY = 139
TOO_SLOW = "We could not check in time."
_SHORTEST_NAME = 12


@dataclass(frozen=True, slots=True)
class Worded:
    """What a card says. `has_plans` says that the patient is known, so that there is something to follow up."""

    indicator: Indicator
    summary: str
    detail: str
    encounter_id: UUID | None = None
    has_plans: bool = False


def word_answer(
    answer: Answer,
    directory: Directory,
    site: Site,
    at: datetime,
    *,
    info_card: bool = False,
    problem: str = "",
    told: ToldOnCard | None = None,
) -> Worded | None:
    """The card of an answer, or None where nothing is known, all is checked, and the EHR wants no card that says so.

    `problem` is why the patient is not known, in better words than the answer's own. `told` is what became of the alerts: that an
    answer is there, and its coded words, but never what somebody wrote.
    """
    if isinstance(answer, Flagged):
        return _flagged(answer, directory, site, at, told)
    if isinstance(answer, CouldNotCheck):
        return word_unchecked(problem or answer.reason.words, directory, site, at, answer.encounter_id)
    doubts = (*answer.cautions,) if answer.cautions != (Caution.TEST_STORE,) else ()
    doubts = tuple(caution for caution in doubts if caution is not Caution.TEST_STORE)
    if not answer.coverage.fully_checked:
        summary, indicator = _late_summary(answer.coverage), Indicator.WARNING
    elif doubts:
        summary, indicator = f"None known, but mind: {doubts[0].words}", Indicator.WARNING
    elif info_card:
        summary, indicator = "Checked: no plan known here. This is not national, and no plan is not no risk.", Indicator.INFO
    else:
        return None
    blocks = [_cautions(answer.cautions), _coverage(answer.coverage), _to_ring(directory, site, [], at)]
    return Worded(indicator, _summary(summary), _detail(blocks), answer.encounter_id)


def word_unchecked(why: str, directory: Directory, site: Site, at: datetime, encounter_id: UUID | None = None) -> Worded:
    """The card that says that nobody can tell, with whom to ring instead."""
    test = () if directory.is_production else (Caution.TEST_STORE,)
    blocks = [_cautions(test), escaped(f"{why} This is not an answer about the patient."), _to_ring(directory, site, [], at)]
    return Worded(Indicator.WARNING, _summary(why), _detail(blocks), encounter_id)


def _flagged(answer: Flagged, directory: Directory, site: Site, at: datetime, told: ToldOnCard | None) -> Worded:
    hidden = frozenset(each.flag.authority_code for each in answer.flags if each.flag.sensitive)
    open_codes = [each.flag.authority_code for each in answer.flags if each.flag.authority_code not in hidden]
    blocks = [_cautions(answer.cautions), _disputed(told)]
    blocks += [_plan(each, directory, site, at, masked=each.flag.authority_code in hidden) for each in answer.flags]
    blocks += [_told(told, directory, hidden, at), _to_ring(directory, site, open_codes, at), _coverage(answer.coverage)]
    certain = answer.is_current and IDENTITY_DOUBTS.isdisjoint(answer.cautions)
    indicator = Indicator.CRITICAL if certain else Indicator.WARNING
    summary = _flagged_summary(answer, hidden, directory, at)
    return Worded(indicator, summary, _detail(blocks), answer.encounter_id, has_plans=True)


def _flagged_summary(answer: Flagged, hidden: frozenset[str], directory: Directory, at: datetime) -> str:
    current = [each for each in answer.flags if each.standing is Standing.OPEN]
    first = (current or answer.flags)[0]
    differ = "" if IDENTITY_DOUBTS.isdisjoint(answer.cautions) else "Details differ, verify identity. "
    several = f" and {len(answer.flags) - 1} more" if len(answer.flags) > 1 else ""
    what = f"{differ}{DISPLAY[first.flag.kind]}{'' if current else ', ended'}{several}"
    if first.flag.authority_code in hidden:
        return _summary(f"{what}. Sensitive: details are withheld.")
    authority = directory.authorities[first.flag.authority_code]
    phone = f" Ring {on_one_line(duty_team(directory, authority.code, at).phone)}." if current else ""
    room = LONGEST_SUMMARY - width(f"{what}: .{phone}")
    if room < _SHORTEST_NAME:
        phone, room = "", LONGEST_SUMMARY - width(f"{what}: .")
    return _summary(f"{what}: {shortened(on_one_line(authority.name), room)}.{phone}")


def _late_summary(coverage: Coverage) -> str:
    if not coverage.feeds:
        return "Not fully checked: no authority is connected to Nightlight."
    others = f" and {len(coverage.late) - 1} more" if len(coverage.late) > 1 else ""
    head, tail = "None known, but not fully checked: the feed of ", f"{others} is late." if not others else f"{others} are late."
    return head + shortened(on_one_line(coverage.late[0].authority_name), LONGEST_SUMMARY - width(head + tail)) + tail


def _summary(text: str) -> str:
    return shortened(on_one_line(text), LONGEST_SUMMARY)


def _plan(shown: ShownFlag, directory: Directory, site: Site, at: datetime, *, masked: bool) -> str:
    authority = directory.authorities[shown.flag.authority_code]
    title = f"**{escaped(DISPLAY[shown.flag.kind])}** ({escaped(standing_words(shown)).lower()})"
    if masked:
        return _list(title, [escaped(words) for words in (f"Sensitive. {ring_instead(site)}", missing_words(shown.flag)) if words])
    doubts = (late_words(authority, at), missing_words(shown.flag, authority.name))
    lines = [f"{label}: {escaped(text)}" for label, text in plan_lines(shown, authority, at)]
    return _list(title, [*lines, *(escaped(doubt) for doubt in doubts if doubt)])


def _cautions(cautions: tuple[Caution, ...]) -> str:
    return "\n\n".join(f"**{escaped(caution.words)}**" for caution in cautions)


def _disputed(told: ToldOnCard | None) -> str:
    return f"**{escaped(DISPUTED_WORDS)}**" if told and told.is_disputed else ""


def _told(told: ToldOnCard | None, directory: Directory, hidden: frozenset[str], at: datetime) -> str:
    if told is None or not told.alerts:
        return ""
    lines = [escaped(_alert(each, directory, at, masked=bool(hidden) and each.is_masked)) for each in told.alerts]
    return _list("**Has social care been told?**", lines)


def _alert(alert: CardAlert, directory: Directory, at: datetime, *, masked: bool) -> str:
    who = "The responsible authority" if masked else directory.authorities[alert.line.authority_code].name
    if alert.answer is None or alert.line.is_waiting:
        stands = standing(directory, alert.line, at)
        return f"{who}: {hidden_words(stands) if masked else unread_words(stands, at, named=False)}"
    answered = "" if masked else f": {alert.answer.words}"
    more = " A message is there: open Nightlight." if alert.has_text else ""
    return f"{who}: Read {moment(alert.answered_at)}{answered}. Not a referral.{more}"


def _coverage(coverage: Coverage) -> str:
    return escaped(" ".join(coverage.sentences))


def _to_ring(directory: Directory, site: Site, authority_codes: list[str], at: datetime) -> str:
    lines = contacts(directory, site, authority_codes, at)
    return _list("**Who to ring now**", [escaped(f"{line.who}: {line.phone} ({line.why})") for line in lines])


def _list(title: str, lines: list[str]) -> str:
    return "\n".join([title, "", *(f"- {line}" for line in lines)])


def _detail(blocks: list[str]) -> str:
    return "\n\n".join(_filled(blocks))


def _filled(blocks: list[str]) -> Iterator[str]:
    return (block for block in blocks if block)
