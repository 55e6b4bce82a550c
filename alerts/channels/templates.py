"""The text of every letter. A mailbox is not a safe place: a reference, the authority, the hour and a link to sign in.

`alerts.channels.letters` fills a `Letter`, `alerts.channels.email` sends what is written here, and `alerts.channels.notify_words`
takes the same table. What a template can name is what `Letter` has, and `Letter` has nothing of a person or a site.
Sources: docs/facts.md, section 5; GOV.UK style guide (plain words, dates and times).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.alert import AlertEvent
from runtime.clock import ENGLAND

RAISED = "raised"
"""The notice of an alert's raising; every other one is an `AlertEvent`, and a number from its second time on."""


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a letter may tell. `notice` is what happened to the alert: which of the five templates that has is all that is told.

    `thread_id` is the first alert of its thread, and its own id where it is the first itself. `at`: when it happened. `others`: the
    other new alerts of its bundle, where messages reached Nightlight late.
    """

    alert_id: UUID
    thread_id: UUID
    authority_name: str
    notice: str
    raised_at: datetime
    at: datetime
    link: str
    is_test: bool
    others: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """The words that differ. `short` is all that Notify's templates are told; `instant` names the hour of what happened."""

    subject: str
    opening: str
    short: str
    instant: str = ""


NEW = Template("new alert", "There is a new alert for your team in Nightlight.", "a new alert")
ANOTHER = Template(
    "another new alert",
    "There is another new alert for your team in Nightlight. It belongs with the alert {first}.",
    "another new alert that belongs with {first}",
)
NEWS = Template("news about alert", "There is news about an alert of your team in Nightlight.", "news about an alert", "Changed")
PASSED_ON = Template(
    "alert passed on to your team",
    "An alert in Nightlight was passed on to your team.",
    "an alert passed on to you",
    "Passed on",
)
BUNDLE = Template(
    "{count} new alerts that reached Nightlight late",
    "There are {count} new alerts for your team in Nightlight. They are told together because messages reached Nightlight late.",
    "{count} new alerts that reached Nightlight late",
)
MOST_REFERENCES = 10

OF_EVENT: dict[AlertEvent, Template] = {
    AlertEvent.ACKNOWLEDGE: NEWS,
    AlertEvent.LEFT_BEFORE_SEEN: NEWS,
    AlertEvent.CANCEL: NEWS,
    AlertEvent.REINSTATE: NEWS,
    AlertEvent.WRONG_IDENTITY: NEWS,
    AlertEvent.TRANSFER: NEWS,
    AlertEvent.DISCHARGE: NEWS,
    AlertEvent.ESCALATE: PASSED_ON,
    AlertEvent.TAKE: NEWS,
    AlertEvent.RELEASE: NEWS,
    AlertEvent.RETURN: NEWS,
    AlertEvent.REPLY: NEWS,
    AlertEvent.ASK: NEWS,
}
"""Every event has its template: which of them happened to a child is nothing for a mailbox, so nearly all have the same."""

_TEXT = """\
To {authority}

{opening}

{references}
{instants}

Sign in to read it and to answer:
{link}

This email does not say who the alert is about. Do not reply to it: nobody reads the replies.
"""
TEST_MARK = "TEST: "
_TEST_TEXT = "TEST: this comes from a test system. Everybody in it is invented.\n\n"


def template_for(letter: Letter) -> Template:
    """The words of a letter. A notice that no table has is news: somebody is told, and of nothing."""
    if letter.others:
        return BUNDLE
    if letter.notice == RAISED:
        return NEW if letter.thread_id == letter.alert_id else ANOTHER
    event = letter.notice.partition(" ")[0]
    return OF_EVENT.get(AlertEvent(event), NEWS) if event in set(AlertEvent) else NEWS


def write(letter: Letter) -> tuple[str, str]:
    """The subject and the text of an e-mail."""
    template, reference = template_for(letter), reference_of(letter.alert_id)
    subject = f"Nightlight: {template.subject.format(count=count_of(letter))}, reference {reference}"
    instants = [
        ("First raised" if letter.others else "Raised", letter.raised_at),
        *([(template.instant, letter.at)] if template.instant else []),
    ]
    text = _TEXT.format(
        authority=letter.authority_name,
        opening=template.opening.format(first=reference_of(letter.thread_id), count=count_of(letter)),
        references=f"References: {references_of(letter, MOST_REFERENCES)}" if letter.others else f"Reference: {reference}",
        instants="\n".join(f"{name}: {to_words(at)}" for name, at in instants),
        link=letter.link,
    )
    return (TEST_MARK + subject, _TEST_TEXT + text) if letter.is_test else (subject, text)


def count_of(letter: Letter) -> int:
    """Of how many alerts a letter tells."""
    return 1 + len(letter.others)


def references_of(letter: Letter, most: int) -> str:
    """The references of the alerts that a letter tells of: so many, and how many more there are."""
    named = [reference_of(each) for each in (letter.alert_id, *letter.others)[:most]]
    more = count_of(letter) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def reference_of(alert_id: UUID) -> str:
    """What people call the alert by, such as 7C4D-19AF: the end of its id, which is chance and says nothing."""
    end = alert_id.hex[-8:].upper()
    return f"{end[:4]}-{end[4:]}"


def to_words(at: datetime) -> str:
    """An instant as people in England read it, such as 5 January 2026 at 8:45am."""
    local = at.astimezone(ENGLAND)
    hour = local.hour % 12 or 12
    return f"{local.day} {local:%B %Y} at {hour}:{local:%M}{'am' if local.hour < 12 else 'pm'}"
