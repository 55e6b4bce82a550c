"""What a caller must hear of an encounter that was not simply recorded, in whole sentences. Pure.

`recording` puts them before the answer; with any of them there is a body, whatever the caller prefers.
"""

from domain.encounter import TriggerEvent
from safeguarding.check import Check
from safeguarding.recorded import Held

PLANNED = "Checked and not recorded: a planned encounter tells nobody. POST it again when the patient has arrived."
OVER = "The encounter was over when it was recorded: nobody is told of it."
NOTHING_TO_CANCEL = "No encounter with this identifier is known at the site: there was nothing to cancel."
LATE = "Something that happened later is known already: this brought what was missing, and changed nothing else."
TEST = "A test: nobody is told of it."


def notes_of(check: Check, status: str, held: Held | None) -> tuple[str, ...]:
    """The sentences, for the event that the Encounter is; `held` is what was known of the visit before."""
    notes = []
    if check.trigger is TriggerEvent.PRE_ADMIT:
        notes.append(PLANNED)
    if held is None and status == "finished":
        notes.append(OVER)
    if held is None and check.trigger is TriggerEvent.CANCEL_ADMIT:
        notes.append(NOTHING_TO_CANCEL)
    if held and check.moment < held.last_event_at and check.trigger is not TriggerEvent.PRE_ADMIT:
        notes.append(LATE)
    if check.test:
        notes.append(TEST)
    return tuple(notes)
