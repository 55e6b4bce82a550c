"""What the hospital's messages mean to those who were told of a child: that it left, came back, was moved or never came. Pure.

`patients_seen` asks it of each encounter, before and after the event; `safeguarding.corrections` tells what comes out.
Source: docs/facts.md, section 5; docs/alerts.md, "What happens next to the child".
"""

from enum import StrEnum

from domain.alert import AlertEvent
from domain.encounter import Encounter, EncounterState
from safeguarding.decision import tells

UPDATES = frozenset({AlertEvent.TRANSFER, AlertEvent.DISCHARGE, AlertEvent.RETURN})
"""Told on screens and to systems alone: nobody is written to, and nobody must acknowledge anew."""


def told_events(before: Encounter | None, after: Encounter) -> tuple[AlertEvent, ...]:
    """What those who were told of the encounter must now be told, in its order.

    A move within the hospital is news where it is to another kind of service. Nobody hears of a private one.
    """
    if before is None:
        return ()
    news = _NEWS.get((_standing(before), _standing(after)), ())
    moved = not news and after.state is EncounterState.OPEN and before.care_setting is not after.care_setting and tells(after)
    events = (AlertEvent.TRANSFER,) if moved else news
    return tuple(event for event in events if not (event in UPDATES and after.care_setting.is_private))


class _Standing(StrEnum):
    """Whether the patient is there, as the hospital last said. One whose discharge nobody has sent (expired) counts as there."""

    THERE = "there"
    GONE = "gone"
    LEFT = "left before being seen"
    CANCELLED = "never came"


def _standing(encounter: Encounter) -> _Standing:
    if encounter.state is EncounterState.CANCELLED:
        return _Standing.CANCELLED
    if encounter.state is EncounterState.CLOSED:
        return _Standing.LEFT if encounter.left_before_seen else _Standing.GONE
    return _Standing.THERE


_NEWS: dict[tuple[_Standing, _Standing], tuple[AlertEvent, ...]] = {
    (_Standing.THERE, _Standing.GONE): (AlertEvent.DISCHARGE,),
    (_Standing.THERE, _Standing.LEFT): (AlertEvent.LEFT_BEFORE_SEEN,),
    (_Standing.THERE, _Standing.CANCELLED): (AlertEvent.CANCEL,),
    (_Standing.GONE, _Standing.THERE): (AlertEvent.RETURN,),
    (_Standing.GONE, _Standing.LEFT): (AlertEvent.LEFT_BEFORE_SEEN,),
    (_Standing.GONE, _Standing.CANCELLED): (AlertEvent.CANCEL,),
    (_Standing.LEFT, _Standing.THERE): (AlertEvent.REINSTATE,),
    (_Standing.LEFT, _Standing.GONE): (AlertEvent.DISCHARGE,),
    (_Standing.LEFT, _Standing.CANCELLED): (AlertEvent.CANCEL,),
    (_Standing.CANCELLED, _Standing.THERE): (AlertEvent.REINSTATE,),
    (_Standing.CANCELLED, _Standing.GONE): (AlertEvent.REINSTATE, AlertEvent.DISCHARGE),
    (_Standing.CANCELLED, _Standing.LEFT): (AlertEvent.LEFT_BEFORE_SEEN,),
}
