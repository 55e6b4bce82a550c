"""Which event an Encounter is, by its status and by what is known of the visit; and in which care setting. Pure tables.

`recording` asks. The same words as over HL7 v2, so that the desk does the same.
Sources: FHIR R4 EncounterStatus; HL7 v2.5.1 chapter 3 (A01 to A13); docs/integration/encounter.md, section 3.
"""

from dataclasses import dataclass

from domain.care_setting import CareSetting
from domain.encounter import EncounterState, TriggerEvent
from fhir_adapter.encounters.classes import EncounterClass
from runtime.clients import Care
from safeguarding.recorded import Held


@dataclass(frozen=True, slots=True)
class Rule:
    """One status: the event for a new visit, for a known one that is sent by POST again, and for a PUT by the visit's state."""

    new: TriggerEvent
    again: TriggerEvent
    open: TriggerEvent
    over: TriggerEvent
    cancelled: TriggerEvent


ARRIVAL = TriggerEvent.REGISTER
"""A04; where the class is a stay, it is A01."""

_PRESENT = Rule(ARRIVAL, ARRIVAL, TriggerEvent.UPDATE, TriggerEvent.CANCEL_DISCHARGE, ARRIVAL)
_PLANNED = Rule(*(TriggerEvent.PRE_ADMIT,) * 5)
_CANCELLED = Rule(*(TriggerEvent.CANCEL_ADMIT,) * 5)

RULES = {
    "planned": _PLANNED,
    "arrived": _PRESENT,
    "triaged": _PRESENT,
    "in-progress": _PRESENT,
    "onleave": _PRESENT,
    "finished": Rule(TriggerEvent.UPDATE, *(TriggerEvent.DISCHARGE,) * 4),
    "cancelled": _CANCELLED,
    "entered-in-error": _CANCELLED,
    "unknown": Rule(ARRIVAL, *(TriggerEvent.UPDATE,) * 4),
}
"""Every status of FHIR's. A new visit that is finished is an A08 with a leaving time: it is kept as one that is over."""


def trigger_event(status: str, encounter_class: EncounterClass, held: Held | None, *, creates: bool) -> TriggerEvent:
    """What the Encounter means, sent by POST (`creates`) or by PUT."""
    rule = RULES[status]
    if held is None:
        event = rule.new
    elif creates:
        event = rule.again
    else:
        by_state = {EncounterState.OPEN: rule.open, EncounterState.CANCELLED: rule.cancelled}
        event = by_state.get(held.state, rule.over)
    return TriggerEvent.ADMIT if event is ARRIVAL and encounter_class.is_stay else event


def setting_of(care: Care, by_rules: CareSetting, encounter_class: EncounterClass, held: Held | None) -> CareSetting:
    """The care setting that the site's rules give, within what the client is registered for.

    A client of scheduled care alone opens scheduled encounters, and leaves the setting of another's as it is. What one of
    unscheduled care alone records is unscheduled: where the rules say otherwise, unclassified. A private service stays one.
    """
    if by_rules.is_private:
        return by_rules
    if care is Care.UNSCHEDULED and not by_rules.is_unscheduled:
        return CareSetting.UNCLASSIFIED
    if care is Care.SCHEDULED and held and held.unscheduled == held.care_setting.is_unscheduled:
        return held.care_setting
    if care is Care.SCHEDULED and by_rules.is_unscheduled:
        return CareSetting.ELECTIVE_ADMISSION if encounter_class.is_stay else CareSetting.OUTPATIENT
    return by_rules
