"""The text of every e-mail. A mailbox is not a safe place: a reference, the authority, the hour and a link to sign in.

`channel_email` fills them. What a template can name is what `Letter` has, and `Letter` has nothing of a person or a site.
Sources: docs/facts.md, section 5; GOV.UK style guide (plain words, dates and times).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from runtime.clock import ENGLAND


@dataclass(frozen=True, slots=True)
class Letter:
    """All that an e-mail may tell. `notice` is what happened to the alert; only whether it is new is told."""

    alert_id: UUID
    authority_name: str
    notice: str
    at: datetime
    link: str
    is_test: bool


@dataclass(frozen=True, slots=True)
class Template:
    """The words that differ from notice to notice."""

    subject: str
    opening: str
    instant: str


_RAISED = Template("new alert", "There is a new alert for your team in Nightlight.", "Raised")
_CHANGED = Template("news about alert", "There is news about an alert of your team in Nightlight.", "Changed")

_TEXT = """\
To {authority}

{opening}

Reference: {reference}
{instant}: {when}

Sign in to read it and to answer:
{link}

This email does not say who the alert is about. Do not reply to it: nobody reads the replies.
"""
_TEST_SUBJECT = "TEST: "
_TEST_TEXT = "TEST: this comes from a test system. Everybody in it is invented.\n\n"


def template_for(notice: str) -> Template:
    """The words of a notice: the first one of an alert, or any later one."""
    return _RAISED if notice == "raised" else _CHANGED


def write(letter: Letter) -> tuple[str, str]:
    """The subject and the text of an e-mail."""
    template = template_for(letter.notice)
    reference = reference_of(letter.alert_id)
    subject = f"Nightlight: {template.subject}, reference {reference}"
    text = _TEXT.format(
        authority=letter.authority_name,
        opening=template.opening,
        reference=reference,
        instant=template.instant,
        when=to_words(letter.at),
        link=letter.link,
    )
    return (_TEST_SUBJECT + subject, _TEST_TEXT + text) if letter.is_test else (subject, text)


def reference_of(alert_id: UUID) -> str:
    """What people call the alert by, such as 7C4D-19AF: the end of its id, which is chance and says nothing."""
    end = alert_id.hex[-8:].upper()
    return f"{end[:4]}-{end[4:]}"


def to_words(at: datetime) -> str:
    """An instant as people in England read it, such as 5 January 2026 at 8:45am."""
    local = at.astimezone(ENGLAND)
    hour = local.hour % 12 or 12
    return f"{local.day} {local:%B %Y} at {hour}:{local:%M}{'am' if local.hour < 12 else 'pm'}"
