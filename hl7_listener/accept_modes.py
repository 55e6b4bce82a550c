"""Which acknowledgements a message gets: one in original mode, up to two in enhanced mode. Pure.

`acknowledgement` asks with MSH-15 and MSH-16 as they were sent, and renders the codes that come out, in their order.
Source: HL7 v2.5.1 sections 2.9.2 (original mode), 2.9.3 (enhanced mode); tables 0008 (code) and 0155 (condition).
"""

from enum import Enum, StrEnum


class AckCode(StrEnum):
    """HL7 table 0008."""

    ACCEPT = "AA"
    ERROR = "AE"
    REJECT = "AR"
    COMMIT_ACCEPT = "CA"
    COMMIT_ERROR = "CE"
    COMMIT_REJECT = "CR"


class Condition(StrEnum):
    """HL7 table 0155: when the sender wants to hear."""

    ALWAYS = "AL"
    NEVER = "NE"
    ERROR = "ER"
    SUCCESS = "SU"


class Taking(Enum):
    """What became of a message: on disk and answered for, held for a person, or left with its sender (our own trouble)."""

    TAKEN = "taken"
    HELD = "held"
    TROUBLE = "trouble"


_ACCEPT_CODES = {
    Taking.TAKEN: AckCode.COMMIT_ACCEPT,
    Taking.HELD: AckCode.COMMIT_ERROR,
    Taking.TROUBLE: AckCode.COMMIT_REJECT,
}
_APPLICATION_CODES = {Taking.TAKEN: AckCode.ACCEPT, Taking.HELD: AckCode.ERROR, Taking.TROUBLE: AckCode.REJECT}
_WANTED = {
    Condition.ALWAYS: frozenset(Taking),
    Condition.NEVER: frozenset[Taking](),
    Condition.ERROR: frozenset({Taking.HELD, Taking.TROUBLE}),
    Condition.SUCCESS: frozenset({Taking.TAKEN}),
}
_EMPTY = frozenset({"", '""'})


def is_enhanced(accept: str, application: str) -> bool:
    """Whether MSH-15 or MSH-16 holds anything."""
    return bool({accept.strip(), application.strip()} - _EMPTY)


def decide_acknowledgements(accept: str, application: str, taking: Taking) -> tuple[AckCode, ...]:
    """The codes of the acknowledgements that go back, in their order; none where the sender wants to hear nothing.

    Of two conditions an empty one means NE, and one that table 0155 does not know AL: nobody shall wait for nothing.
    After CE or CR no application acknowledgement follows: the message never came to the application.
    """
    if not is_enhanced(accept, application):
        return (_APPLICATION_CODES[taking],)
    wants_accept, wants_application = taking in _wanted(accept), taking in _wanted(application)
    if wants_accept and taking is not Taking.TAKEN:
        return (_ACCEPT_CODES[taking],)
    return (_ACCEPT_CODES[taking],) * wants_accept + (_APPLICATION_CODES[taking],) * wants_application


def is_never_told(accept: str, application: str) -> bool:
    """Whether the sender wants to hear nothing whatever happens: then it sends nothing again either."""
    return all(not decide_acknowledgements(accept, application, taking) for taking in Taking)


def _wanted(field: str) -> frozenset[Taking]:
    word = field.strip().upper()
    if word in _EMPTY:
        return _WANTED[Condition.NEVER]
    return _WANTED[Condition(word)] if word in {each.value for each in Condition} else _WANTED[Condition.ALWAYS]
