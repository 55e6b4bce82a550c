"""The response to an encounter that is on disk: its status, where the encounter is, its version, and the body that was preferred.

`recording` calls it after the commit. Flags are shown to clients that may read them; "could not check" is never a Bundle.
Sources: FHIR R4, "RESTful API" (create, update, return preferences); docs/integration/encounter.md.
"""

from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import format_datetime

from domain.answer import Flagged, NoneKnown, Outcome
from domain.encounter import TriggerEvent
from fhir_adapter.care import Manner
from fhir_adapter.codes import Json
from fhir_adapter.encounters.conditions import Return, read_return, to_etag
from fhir_adapter.encounters.outcomes import from_kept
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.lookup import teams_of
from fhir_adapter.searchset import Surroundings, to_searchset
from safeguarding.check import Check, Reply
from safeguarding.contacts import ring_instead
from safeguarding.directory import Directory, Site
from safeguarding.recorded import Recorded

_CHECKED = frozenset({"flagged", "none-known"})


@dataclass(frozen=True, slots=True)
class Recording:
    """An encounter that was recorded: what was asked, what the desk said, and what is on disk."""

    check: Check
    reply: Reply
    recorded: Recorded
    site: Site
    manner: Manner
    shows_flags: bool


async def to_answered(parts: Parts, call: Call, recording: Recording) -> Answered:
    """201 for a POST that opened the encounter, 200 for everything else."""
    recorded, preferred = recording.recorded, read_return(call.headers.get("prefer", ""))
    body, applied = await _body(parts, recording, preferred or Return.MINIMAL)
    headers = {"last-modified": format_datetime(recorded.answered_at.astimezone(UTC), usegmt=True)}
    if preferred:
        headers["preference-applied"] = f"return={applied}"
    if recorded.version is not None:
        headers["etag"] = to_etag(recorded.version)
    if call.method == "POST" and recorded.encounter_id:
        headers["location"] = f"{parts.base_url}/Encounter/{recorded.encounter_id}"
    return Answered(body, 201 if call.method == "POST" and recorded.opened else 200, headers)


async def _body(parts: Parts, recording: Recording, preferred: Return) -> tuple[Json | None, Return]:
    """The body, and which preference it really follows."""
    kept = from_kept(recording.reply.acknowledgement)
    if preferred is Return.MINIMAL and not kept.must_be_said:
        return None, Return.MINIMAL
    if preferred is Return.REPRESENTATION and recording.shows_flags and recording.recorded.outcome in _CHECKED:
        answer = await _answer(parts, recording)
        if isinstance(answer, Flagged | NoneKnown):
            return _bundle(await parts.directory.current(), parts.base_url, recording, answer), preferred
    return kept.outcome, Return.OPERATION_OUTCOME


async def _answer(parts: Parts, recording: Recording) -> Outcome:
    """What the desk found; for a request that was answered before, a look of its own, which is audited and tells nobody."""
    reply, check, encounter_id = recording.reply, recording.check, recording.recorded.encounter_id
    if not reply.repeated:
        return reply.outcome
    trigger = TriggerEvent.BANNER if encounter_id else TriggerEvent.PRE_ADMIT
    return (
        await parts.desk.ask(replace(check, trigger=trigger, encounter_id=encounter_id, message=None, acknowledge=None))
    ).outcome


def _bundle(directory: Directory, base_url: str, recording: Recording, answer: Flagged | NoneKnown) -> Json:
    """What a search of Flag would answer."""
    held, at = (answer.flags if isinstance(answer, Flagged) else ()), recording.check.at
    around = Surroundings(
        teams_of(directory, held, at), ring_instead(recording.site), recording.manner, base_url, f"{base_url}/Flag/_search", at
    )
    return to_searchset("Flag", answer, around)
