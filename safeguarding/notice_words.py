"""The texts of the notices. A mailbox is not a safe place: counts, ages, the authority's name and a link to sign in.

`safeguarding.notices` fills them with a notice's facts, and facts are numbers and instants: there is nobody in them to be named.
Source: docs/facts.md, section 5 ("Nothing identifiable in e-mail or SMS"); GOV.UK style guide.
"""

from datetime import date, datetime, timedelta

from flags_store.notices import Audience, Facts, Notice, NoticeKind
from safeguarding.time_words import day, moment, rhythm, span

PATHS = {NoticeKind.WEEKLY: "/extracts", NoticeKind.LATE: "/extracts", NoticeKind.RECEIVED_AGAIN: "/extracts"}
"""The page that a notice for an authority leads to; the operator is led to the start page."""

_TEST_SUBJECT = "TEST: "
_TEST_TEXT = "TEST: this comes from a test system. Everybody in it is invented.\n\n"
_END = "\n\nThis email names nobody. Do not reply to it: nobody reads the replies.\n"


def write_notice(notice: Notice, link: str) -> tuple[str, str]:
    """The subject and the text; the same notice always reads the same."""
    subject, text = _WRITERS[notice.kind, notice.audience](notice)
    subject, text = f"Nightlight: {subject}", f"{text}\n\n{link}{_END}"
    return (_TEST_SUBJECT + subject, _TEST_TEXT + text) if notice.is_test else (subject, text)


def _weekly(notice: Notice) -> tuple[str, str]:
    facts = notice.facts
    lines = [
        f"Rejected records that wait: {_count(notice, 'rejected')}",
        f"Mended in Nightlight, still wrong in your system: {facts['still_sent']}",
        f"Waiting for a second person: {_count(notice, 'held')}",
        f"Plans missing from two full extracts: {facts['missing']}",
        f"Matched with PDS: {facts['matched']}",
        f"Newest extract: {_newest(facts)}",
    ]
    text = "\n".join(lines)
    return f"what waits for you, {day(notice.created_at)}", (
        f"To {notice.authority_name}\n\nThe week’s summary for your data officers.\n\n{text}\n\n"
        "A child whose record is rejected may have no flag at all. Sign in to mend it:"
    )


def _late(notice: Notice) -> tuple[str, str]:
    again = "is still late" if notice.facts["times"] else "is late"
    return f"your feed {again}", (
        f"To {notice.authority_name}\n\nYour feed to Nightlight {again}. Newest extract: {_newest(notice.facts)}. "
        f"One is expected every {_rhythm(notice.facts)}.\n\n"
        "Until the next one comes, hospitals are told that your children are “not fully checked”. Sign in to send an extract:"
    )


def _late_for_operator(notice: Notice) -> tuple[str, str]:
    again = "is still late" if notice.facts["times"] else "is late"
    nobody = "" if notice.facts["told"] else "\n\nNobody at the authority was told: it has no e-mail address for its data officers."
    return f"the feed of {notice.authority_name} {again}", (
        f"The feed of {notice.authority_name} ({notice.authority_code}) {again}. Newest extract: {_newest(notice.facts)}. "
        f"One is expected every {_rhythm(notice.facts)}.{nobody}\n\nHospitals are told “not fully checked”. Nightlight:"
    )


def _again(notice: Notice) -> tuple[str, str]:
    return "your feed was received again", (
        f"To {notice.authority_name}\n\nYour feed to Nightlight was received again. Newest extract: {_newest(notice.facts)}.\n\n"
        "Sign in to read its report:"
    )


def _again_for_operator(notice: Notice) -> tuple[str, str]:
    return f"the feed of {notice.authority_name} was received again", (
        f"The feed of {notice.authority_name} ({notice.authority_code}) was received again. "
        f"Newest extract: {_newest(notice.facts)}.\n\nNightlight:"
    )


def _agreement(notice: Notice) -> tuple[str, str]:
    facts = notice.facts
    is_over, last = int(facts["days_left"] or 0) < 0, day(date.fromisoformat(str(facts["last_day"])))
    what = "has run out" if is_over else "runs out"
    when = f"Its last day was {last}." if is_over else f"Its last day is {last}."
    return f"the agreement with {facts['party']} {what}", (
        f"The agreement with {facts['party']} {what}. {when}\n\n"
        "No flag is hidden and no alert stops, and the same fields go on leaving. Information governance records the next one:"
    )


_WRITERS = {
    (NoticeKind.WEEKLY, Audience.AUTHORITY): _weekly,
    (NoticeKind.LATE, Audience.AUTHORITY): _late,
    (NoticeKind.LATE, Audience.OPERATOR): _late_for_operator,
    (NoticeKind.RECEIVED_AGAIN, Audience.AUTHORITY): _again,
    (NoticeKind.RECEIVED_AGAIN, Audience.OPERATOR): _again_for_operator,
    (NoticeKind.AGREEMENT, Audience.OPERATOR): _agreement,
}


def _count(notice: Notice, name: str) -> str:
    since = notice.facts[f"{name}_since"]
    oldest = f", the oldest for {span(notice.created_at - datetime.fromisoformat(str(since)))}" if since else ""
    return f"{notice.facts[name]}{oldest}"


def _newest(facts: Facts) -> str:
    last = facts["last_extracted_at"]
    return f"taken on {moment(datetime.fromisoformat(str(last)))}" if last else "none yet"


def _rhythm(facts: Facts) -> str:
    return rhythm(timedelta(seconds=float(facts["rhythm_seconds"] or 0)))
