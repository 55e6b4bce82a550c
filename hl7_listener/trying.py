"""A message that a person tries on a page: which rule of the site fires, whom it would tell, what is wrong with it, in words.

`nightlight` hands `try_message` to the page of a site's rules. Nothing is looked up, kept or logged.
Source: docs/hl7.md, "Care setting" and "What each event means here".
"""

from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from domain.trying import Tried
from hl7_listener import query
from hl7_listener.acknowledgement import AckError
from hl7_listener.charsets import codec, declared_character_set
from hl7_listener.explaining import Explanation, explain, why_care_setting
from hl7_listener.message import Message
from safeguarding.check import Check
from safeguarding.directory import Site

PLACES = {
    "MSH": "the header", "MSH-1": "field separator", "MSH-2": "encoding characters", "MSH-4": "sending facility",
    "MSH-9": "message type", "MSH-10": "control ID", "MRG": "the number merged away", "PID": "the patient",
    "PID-3": "the patient's numbers", "PID-7": "date of birth", "PV1": "the visit", "PV1-44": "arrival", "PV1-45": "leaving time",
    "EVN-2": "when it was recorded", "EVN-6": "when it happened",
}  # fmt: skip
"""Where something can be wrong, by its name in the standard."""

_ARRIVED = frozenset({TriggerEvent.ADMIT, TriggerEvent.REGISTER})
_TOLD_AFRESH = "Yes, unless it was told of this visit before: the authority of an open plan is told."
_NOT_BY_ITSELF = (
    "Not by itself: the patient’s open visits are looked at again, and the authority is told where that brings something new."
)
_NO_ARRIVAL = {
    TriggerEvent.PRE_ADMIT: "No: nobody has come yet. It is a silent check.",
    TriggerEvent.DISCHARGE: "No: it ends the visit. Who was told of the visit sees that, and hears of a patient who left unseen.",
    TriggerEvent.CANCEL_ADMIT: "No: it cancels the visit. Who was told of the visit is told that.",
    TriggerEvent.UPDATE_PERSON: _NOT_BY_ITSELF,
    TriggerEvent.ADD_PERSON: _NOT_BY_ITSELF,
    TriggerEvent.MERGE: _NOT_BY_ITSELF,
    TriggerEvent.UNLINK: _NOT_BY_ITSELF,
    TriggerEvent.OTHER: "No: nobody is checked by this event. It is taken, and that is all.",
}
_IGNORED = (
    "No: it is an acknowledgement. The listener ignores it: it is neither answered nor held, and only the log says that one came. "
    "Try the message that it acknowledges."
)
_LABELS_ELSEWHERE = frozenset({"Care setting", "Unscheduled", "Site", "Test"})


def try_message(text: str, site: Site, default_charset: str = "") -> Tried:
    """What the listener would make of the text, by the rules of the site whatever MSH-4 says. Any line ends will do."""
    explained = explain(_as_sent(text), site, default_charset)
    found = tuple(pair for pair in explained.found if pair[0] not in _LABELS_ELSEWHERE)
    if explained.is_ignored:
        return Tried(_IGNORED, is_ignored=True)
    message, check = explained.message, explained.check
    if explained.error is not None:
        return Tried("No: it would be held, and nobody would be checked by it.", refusal=_refusal(explained.error), found=found)
    assert message is not None
    assert check is not None
    if query.is_query(message):
        return Tried("No: it is a query, and asks without an arrival.", found=found, wrong=_wrong(explained, message, check, site))
    setting, why, fired = "", "", None
    if check.prior is None and check.trigger is not TriggerEvent.OTHER:
        setting = check.care_setting.words
        fired, why = why_care_setting(site, message.segment("PV1"))
    return Tried(_told(check), setting, why, fired, found=found, wrong=_wrong(explained, message, check, site))


def _as_sent(text: str) -> bytes:
    """Its bytes in the character set that it names, as far as that has all of it, without a frame's marks around it."""
    text = text.strip("\ufeff\x0b\x1c\r\n\t ")
    declared = codec(declared_character_set(text.encode("utf-8", "replace")))
    try:
        return text.encode(declared or "utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _refusal(error: AckError) -> str:
    reason, where = error.reason, str(error.location or "")
    named = f" ({where}, {PLACES[where]})" if where in PLACES else f" ({where})" if where else ""
    return f"{reason[:1].upper()}{reason[1:]}{named}."


def _told(check: Check) -> str:
    """Whether the authority of an open plan would be told, and why not where it would not."""
    if check.test:
        return "No: MSH-11 says that it is a test. Nobody is ever told of one."
    if check.is_birth:
        return "Yes: a baby is made known. The authority of a plan that its mother held for it is told that it is born."
    if said := _NO_ARRIVAL.get(check.trigger):
        return said
    if check.care_setting.is_private:
        return "Never: nobody may hear who uses this service."
    if not check.care_setting.is_unscheduled:
        return "No: this is scheduled care. The patient is checked, and nobody is told."
    return "Yes: the authority of an open plan is told." if check.trigger in _ARRIVED else _TOLD_AFRESH


def _wrong(explained: Explanation, message: Message, check: Check, site: Site) -> tuple[tuple[str, str], ...]:
    found = list(explained.wrong)
    if message.sending_facility.upper() != site.ods_code:
        found.insert(0, ("MSH-4", f"it does not name {site.ods_code}: sent so, it would not go by these rules"))
    if check.identity.no_number and check.trigger is not TriggerEvent.OTHER:
        found.append(("PID-3", check.identity.no_number.words.removeprefix("We could not check: ")))
    if check.care_setting is CareSetting.UNCLASSIFIED and check.prior is None:
        found.append(("PV1", "no rule fits what it says, so it counts as unscheduled: the safe side"))
    return tuple((f"{place}, {PLACES[place]}" if place in PLACES else place, what) for place, what in found)
