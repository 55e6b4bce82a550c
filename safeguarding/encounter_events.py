"""What an event does to the encounters it belongs to. Pure: encounters in, encounters out.

`patients_seen` finds the encounters first and writes what comes back; looks and alerts follow from the result.
Source: HL7 v2.4 chapter 3; docs/hl7.md, "What each event means here".
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.encounter import Encounter, EncounterState, Identity, TriggerEvent
from runtime.ids import uuid7
from safeguarding.check import BIRTH_KEY, START_KEY, Check
from safeguarding.decision import tells

LOOK_WINDOW = timedelta(hours=12)
BIRTH_WINDOW = timedelta(hours=24)

_PERSON_EVENTS = frozenset({TriggerEvent.UPDATE_PERSON, TriggerEvent.ADD_PERSON, TriggerEvent.MERGE, TriggerEvent.UNLINK})
_ARRIVALS = frozenset({TriggerEvent.ADMIT, TriggerEvent.REGISTER})
_UPDATES = frozenset(
    {
        TriggerEvent.UPDATE,
        TriggerEvent.TRANSFER,
        TriggerEvent.CLASS_CHANGE,
        TriggerEvent.CANCEL_TRANSFER,
        TriggerEvent.CANCEL_DISCHARGE,
    }
)
_OPENING = _ARRIVALS | _UPDATES
_ENDING = frozenset({TriggerEvent.DISCHARGE, TriggerEvent.CANCEL_ADMIT})
_STANDING = _ARRIVALS | _ENDING | {TriggerEvent.CANCEL_DISCHARGE}
"""The events that say whether the patient is there."""


def key_of(check: Check) -> str | None:
    """The key within the site of the encounter that the check is about, or None where it names none.

    The visit number; else the person and the time of arrival; else, for a look, the person and a span of 12 hours.
    Test messages have encounters of their own, whatever visit they name.
    """
    key = _key_of(check)
    return f"test {key}" if key and check.test else key


def _key_of(check: Check) -> str | None:
    if check.visit_number:
        return f"{START_KEY if check.joins else 'visit '}{check.visit_number}"
    person = _person_of(check.identity)
    if check.trigger in _OPENING | _ENDING and check.arrived_at and person:
        return f"admit {_digest(person, check.arrived_at.isoformat())}"
    if check.is_birth and person:
        return f"{BIRTH_KEY}{_digest(person)}"
    if check.trigger in _ARRIVALS:  # nobody can say who or since when: the message itself is the visit
        return f"message {_digest(person, check.message.control_id if check.message else check.at.isoformat())}"
    if check.trigger.is_lookup and person:
        return f"look {_digest(person, str(int(check.at.timestamp() // LOOK_WINDOW.total_seconds())))}"
    return None


def belonging(check: Check, found: Sequence[Encounter]) -> list[Encounter]:
    """Of the encounters found for the check, those that it is about."""
    if check.encounter_id is not None:
        return [each for each in found if each.id == check.encounter_id]
    still_open = [each for each in found if each.state is EncounterState.OPEN and each.test == check.test]
    key = key_of(check)
    same = [each for each in found if each.key == key and each.site == check.site]
    if check.is_birth:
        return still_open or same or _stay_of_birth(check, found)
    if check.joins or check.trigger.is_lookup:
        joined = [each for each in still_open if not _is_past(each, check) and (check.silent or tells(each))]
        return same or (_newest(joined) if check.joins else joined)  # a clinic's appointment hides no attendance
    if check.trigger not in _PERSON_EVENTS:
        begun = [each for each in still_open if _awaits_visit(each, check)] if check.trigger in _ARRIVALS else []
        if same or check.visit_number:
            return same or begun[:1]  # a baby's stay begins with its birth, any with its start: one encounter, told of once
    if check.trigger in _ENDING | _UPDATES:
        return _newest(still_open)
    return still_open if check.trigger in _PERSON_EVENTS else []


def follow(check: Check, encounters: Sequence[Encounter], *, may_open: bool = True) -> list[Encounter]:
    """The encounters after the event: the ones it belongs to, changed, or a new one where the patient arrived."""
    if not encounters:
        opens = check.trigger in _OPENING or check.is_birth or (check.trigger.is_lookup and not check.silent)
        return [_opened(check)] if opens and may_open and key_of(check) else []
    return [_changed(check, encounter) for encounter in encounters]


def _opened(check: Check) -> Encounter:
    key = key_of(check)
    assert key is not None
    arrived_at = min(check.arrived_at or check.moment, check.at)
    return Encounter(
        id=uuid7(),
        site=check.site,
        key=key,
        reference="" if check.joins else check.visit_number,
        nhs_number=check.identity.nhs_number,
        local_number=_local_number(check.identity, check.site),
        care_setting=CareSetting.MATERNITY if check.is_birth else check.care_setting,
        unscheduled=check.is_birth or (check.care_setting.is_unscheduled and not check.silent),
        state=EncounterState.CLOSED if check.departed_at else EncounterState.OPEN,
        arrived_at=arrived_at,
        departed_at=check.departed_at,
        left_before_seen=False,
        test=check.test,
        flagged=False,
        could_not_check=_no_number(check.identity),
        cautions="",
        last_event_at=check.moment,
        mother_number=check.identity.mother_number if check.is_of_baby else None,
        last_sequence=check.sequence,
        last_sequence_sender=check.sequence_sender,
        arrival_mode=check.arrival_mode,
        stood_at=arrived_at if check.trigger in _UPDATES else check.moment,
    )


def _changed(check: Check, encounter: Encounter) -> Encounter:
    if check.trigger.is_lookup or check.trigger in {TriggerEvent.BANNER, TriggerEvent.UNLINK}:
        return encounter
    after = _identified(check, encounter)
    if check.joins:  # it says who and that somebody is there, and nothing of what the visit's own messages say
        return after
    if check.trigger in _OPENING:
        after = replace(after, arrival_mode=_arrival_mode(check, encounter))
    if is_late(check, encounter):  # a late message may bring identity, never undo what came after it
        return _stood(check, after) if _is_last_word(check, encounter) else after
    sender = check.sequence_sender
    after = replace(after, last_event_at=check.moment, last_sequence=check.sequence, last_sequence_sender=sender)
    if check.trigger in _STANDING:
        after = _stood(check, after)
    if check.trigger in _ARRIVALS and after.key.startswith((BIRTH_KEY, START_KEY)) and check.visit_number:
        after = replace(after, key=key_of(check) or after.key, reference=check.visit_number)
    if check.trigger in _OPENING and after.state is EncounterState.OPEN:
        after = replace(after, care_setting=check.care_setting, unscheduled=check.care_setting.is_unscheduled)
    return after


def _stood(check: Check, encounter: Encounter) -> Encounter:
    """The encounter where the event says whether the patient is there, and was, and how it left."""
    if check.trigger is TriggerEvent.CANCEL_DISCHARGE and encounter.state is EncounterState.CANCELLED:
        return encounter
    stood = replace(encounter, stood_at=check.moment)
    if check.trigger is TriggerEvent.DISCHARGE:
        left = check.left_before_seen
        return replace(stood, state=EncounterState.CLOSED, departed_at=check.departed_at or check.moment, left_before_seen=left)
    if check.trigger is TriggerEvent.CANCEL_ADMIT:
        return replace(stood, state=EncounterState.CANCELLED, departed_at=check.moment)
    return replace(stood, state=EncounterState.OPEN, departed_at=None, left_before_seen=False)


def _is_last_word(check: Check, encounter: Encounter) -> bool:
    """Whether a late event is the last all the same to say whether the patient is there: only updates have come after it.

    An arrival and an ending of one moment: the ending is the last.
    """
    if check.trigger not in _STANDING or encounter.stood_at is None:
        return False
    is_ending = check.trigger in _ENDING and check.moment < encounter.last_event_at
    return check.moment > encounter.stood_at or (is_ending and check.moment == encounter.stood_at)


def _arrival_mode(check: Check, encounter: Encounter) -> str:
    """Said last; a late message only fills the gap."""
    if is_late(check, encounter):
        return encounter.arrival_mode or check.arrival_mode
    return check.arrival_mode or encounter.arrival_mode


def _identified(check: Check, encounter: Encounter) -> Encounter:
    if check.trigger in _ENDING:
        return encounter
    local, number = _local_number(check.identity, encounter.site), check.identity.nhs_number
    if is_late(check, encounter) and check.trigger is not TriggerEvent.MERGE:  # then it only fills gaps
        local, number = encounter.local_number or local, encounter.nhs_number or number
    local, number = local or encounter.local_number, number or encounter.nhs_number
    mother = encounter.mother_number or (check.identity.mother_number if check.is_of_baby else None)
    could_not_check = None if number else _no_number(check.identity)
    return replace(encounter, nhs_number=number, local_number=local, could_not_check=could_not_check, mother_number=mother)


def is_late(check: Check, encounter: Encounter) -> bool:
    """Whether the event comes after one that happened later: by the sender's clock, or by its own count within one moment."""
    if check.moment != encounter.last_event_at:
        return check.moment < encounter.last_event_at
    if check.sequence is None or encounter.last_sequence is None:
        return False
    return check.sequence_sender == encounter.last_sequence_sender and check.sequence < encounter.last_sequence


def is_arrival(check: Check) -> bool:
    """Whether the patient met the service with this event."""
    return check.trigger in _ARRIVALS or check.trigger.is_lookup


def is_attendance(check: Check) -> bool:
    """Whether it says that somebody is there whom an authority would hear of. Only that makes a site's feed live."""
    is_told = check.care_setting.is_unscheduled and not check.care_setting.is_private and not check.silent and not check.test
    return is_told and check.trigger in _OPENING and check.departed_at is None


def _is_past(encounter: Encounter, check: Check) -> bool:
    """Whether it was opened by a look, a start or a birth, and its time is over: who looks now sees the child anew."""
    if encounter.key.startswith((BIRTH_KEY, START_KEY)):
        return not _awaits_visit(encounter, check)
    return encounter.key.startswith("look ") and check.moment - encounter.arrived_at >= LOOK_WINDOW


def _awaits_visit(encounter: Encounter, check: Check) -> bool:
    """Whether a stay that begins now may be the one that began with this birth or start; later, the patient has come back."""
    window = BIRTH_WINDOW if encounter.key.startswith(BIRTH_KEY) else LOOK_WINDOW
    return encounter.key.startswith((BIRTH_KEY, START_KEY)) and check.moment - encounter.arrived_at < window


def _stay_of_birth(check: Check, found: Sequence[Encounter]) -> list[Encounter]:
    """The stay that was not over yet when the baby was born, though it is now: the birth is told of with it, and not again."""
    ends = [
        (each.departed_at, each)
        for each in found
        if each.state is EncounterState.CLOSED and each.departed_at and each.test == check.test and tells(each)
    ]
    later = [(end, each) for end, each in ends if check.moment < end]
    return [min(later, key=lambda pair: pair[0])[1]] if later else []


def _newest(encounters: Sequence[Encounter]) -> list[Encounter]:
    return [max(encounters, key=_arrival)] if encounters else []


def _arrival(encounter: Encounter) -> datetime:
    return encounter.arrived_at


def _local_number(identity: Identity, site: str) -> str | None:
    return next((local.value for local in identity.local_numbers if local.facility == site), None)


def _no_number(identity: Identity) -> str | None:
    return None if identity.nhs_number else (identity.no_number or CouldNotCheckReason.NO_NUMBER).value


def _person_of(identity: Identity) -> str:
    if identity.local_numbers:
        return f"{identity.local_numbers[0].facility} {identity.local_numbers[0].value}"
    return identity.nhs_number or ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
