"""An alert: one authority is told, now, that one child was seen; and what may become of it.

`safeguarding` raises alerts, `alerts` keeps and dispatches them, people acknowledge them.
Sources: docs/facts.md, section 5; delivery states after GOV.UK Notify.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class AlertState(StrEnum):
    """Acknowledged means read by a person, and is not a referral."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RETRACTED = "retracted"
    CLOSED = "closed"


class AlertReason(StrEnum):
    """Why the alert was raised."""

    ATTENDANCE = "attendance"
    LATE_FLAG = "late-flag"
    LATE_IDENTITY = "late-identity"
    NEWBORN = "newborn"


LATE = timedelta(hours=4)
"""An arrival of which Nightlight hears later than this came late: after a downtime. Source: docs/facts.md, section 7."""


LONGEST_TEXT = 500
"""Of what somebody writes to an alert, in characters."""


class AlertEvent(StrEnum):
    """What happens to an alert after it was raised."""

    ACKNOWLEDGE = "acknowledge"
    LEFT_BEFORE_SEEN = "left-before-seen"
    CANCEL = "cancel"
    REINSTATE = "reinstate"
    WRONG_IDENTITY = "wrong-identity"
    TRANSFER = "transfer"
    DISCHARGE = "discharge"
    RETURN = "return"
    ESCALATE = "escalate"
    TAKE = "take"
    RELEASE = "release"
    REPLY = "reply"
    ASK = "ask"


NEWS = frozenset(
    {
        AlertEvent.LEFT_BEFORE_SEEN, AlertEvent.CANCEL, AlertEvent.REINSTATE, AlertEvent.WRONG_IDENTITY, AlertEvent.TRANSFER,
        AlertEvent.DISCHARGE, AlertEvent.RETURN, AlertEvent.REPLY, AlertEvent.ASK,
    }
)  # fmt: skip
"""What the hospital says of the child later: whoever acknowledges has read it."""

TRANSITIONS: dict[tuple[AlertState, AlertEvent], AlertState] = {
    (AlertState.RAISED, AlertEvent.ACKNOWLEDGE): AlertState.ACKNOWLEDGED,
    (AlertState.ACKNOWLEDGED, AlertEvent.ACKNOWLEDGE): AlertState.ACKNOWLEDGED,
    (AlertState.RETRACTED, AlertEvent.ACKNOWLEDGE): AlertState.CLOSED,
    (AlertState.RAISED, AlertEvent.LEFT_BEFORE_SEEN): AlertState.RAISED,
    (AlertState.ACKNOWLEDGED, AlertEvent.LEFT_BEFORE_SEEN): AlertState.RAISED,
    (AlertState.RAISED, AlertEvent.CANCEL): AlertState.RETRACTED,
    (AlertState.ACKNOWLEDGED, AlertEvent.CANCEL): AlertState.RETRACTED,
    (AlertState.RAISED, AlertEvent.WRONG_IDENTITY): AlertState.RETRACTED,
    (AlertState.ACKNOWLEDGED, AlertEvent.WRONG_IDENTITY): AlertState.RETRACTED,
    (AlertState.RETRACTED, AlertEvent.REINSTATE): AlertState.RAISED,
    (AlertState.CLOSED, AlertEvent.REINSTATE): AlertState.RAISED,
    (AlertState.ACKNOWLEDGED, AlertEvent.REINSTATE): AlertState.RAISED,
    (AlertState.CLOSED, AlertEvent.LEFT_BEFORE_SEEN): AlertState.RAISED,
    (AlertState.RETRACTED, AlertEvent.LEFT_BEFORE_SEEN): AlertState.RAISED,
    (AlertState.RAISED, AlertEvent.ASK): AlertState.RAISED,
    (AlertState.ACKNOWLEDGED, AlertEvent.ASK): AlertState.RAISED,
}
"""The whole life of an alert. A pair that is not here leaves the alert as it is."""


def next_state(state: AlertState, event: AlertEvent) -> AlertState:
    """The state after the event; unchanged where the table has no line for it."""
    return TRANSITIONS.get((state, event), state)


class CodedAnswer(StrEnum):
    """What a social worker answers with (docs/facts.md, section 5). None of them holds anybody."""

    KNOWN = "known"
    WILL_RING = "will-ring"
    WILL_ATTEND = "will-attend"
    SPEAK_FIRST = "speak-first"
    NO_ACTION = "no-action"
    WRONG_CHILD = "wrong-child"

    @property
    def words(self) -> str:
        """As both sides read it."""
        return _ANSWER_WORDS[self]


_ANSWER_WORDS = {
    CodedAnswer.KNOWN: "Known to us",
    CodedAnswer.WILL_RING: "We will ring you",
    CodedAnswer.WILL_ATTEND: "We will attend",
    CodedAnswer.SPEAK_FIRST: "Please speak to us before discharge",
    CodedAnswer.NO_ACTION: "No action needed from you",
    CodedAnswer.WRONG_CHILD: "This may be the wrong child: check identity",
}


class Reply(StrEnum):
    """What a clinician answers back with: no clinical record, only what the social worker must know now."""

    DISCHARGED = "discharged"
    LEFT = "left-before-seen"
    PLEASE_RING = "please-ring"
    WRONG_CHILD = "wrong-child"

    @property
    def words(self) -> str:
        """As both sides read it."""
        return _REPLY_WORDS[self]


_REPLY_WORDS = {
    Reply.DISCHARGED: "Discharged",
    Reply.LEFT: "Left before being seen",
    Reply.PLEASE_RING: "Please ring us",
    Reply.WRONG_CHILD: "This is not the right child: check identity",
}


class ChannelName(StrEnum):
    """The ways by which Nightlight tells somebody: an authority's people or its systems, a hospital's system, or a subscriber."""

    SCREEN = "screen"
    EMAIL = "email"
    HL7 = "hl7"
    SUBSCRIPTION = "subscription"
    MESH = "mesh"
    NOTIFY_EMAIL = "notify-email"
    SMS = "sms"
    WEBHOOK = "webhook"

    @property
    def words(self) -> str:
        """For people."""
        return _CHANNEL_WORDS[self]


_CHANNEL_WORDS = {
    ChannelName.SCREEN: "Screen",
    ChannelName.EMAIL: "E-mail",
    ChannelName.HL7: "Hospital system",
    ChannelName.SUBSCRIPTION: "Subscribed system",
    ChannelName.MESH: "Authority’s system (MESH)",
    ChannelName.NOTIFY_EMAIL: "E-mail (GOV.UK Notify)",
    ChannelName.SMS: "Text message (GOV.UK Notify)",
    ChannelName.WEBHOOK: "Authority’s system (webhook)",
}


class DeliveryState(StrEnum):
    """One delivery's state. Nothing is ever skipped: what cannot be delivered waits and is shown.

    Withdrawn is only what was to go to a hospital's own system, by a person and with a reason, or to a subscription that is over.
    """

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    WITHDRAWN = "withdrawn"


class AttemptOutcome(StrEnum):
    """How one attempt went; the unknown is temporary."""

    SENT = "sent"
    DELIVERED = "delivered"
    TEMPORARY = "temporary-failure"
    PERMANENT = "permanent-failure"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a person answered, and when it was read."""

    by: str
    at: datetime
    answer: CodedAnswer
    text: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One line for telling one recipient by one channel; `id` is how a receiver makes repeats one.

    `may_be_told`: somebody had claimed it before and has not said what came of it.
    """

    id: UUID
    alert_id: UUID
    channel: ChannelName
    recipient: str
    authority_code: str
    attempts: int
    may_be_told: bool = False
