"""Which trigger event of HL7 means what here.

The mapping asks it of every parsed message; the desk decides what follows from the domain's trigger event.
Source: HL7 v2.5.1 table 0003 (event type) and chapter 3; docs/hl7.md, "What each event means here".
"""

from domain.encounter import TriggerEvent
from hl7_listener.errors import ErrorCode, Location, Unreadable
from hl7_listener.message import Message

TRIGGER_EVENTS = {
    "A01": TriggerEvent.ADMIT,
    "A02": TriggerEvent.TRANSFER,
    "A03": TriggerEvent.DISCHARGE,
    "A04": TriggerEvent.REGISTER,
    "A05": TriggerEvent.PRE_ADMIT,
    "A06": TriggerEvent.CLASS_CHANGE,
    "A07": TriggerEvent.CLASS_CHANGE,
    "A08": TriggerEvent.UPDATE,
    "A11": TriggerEvent.CANCEL_ADMIT,
    "A12": TriggerEvent.CANCEL_TRANSFER,
    "A13": TriggerEvent.CANCEL_DISCHARGE,
    "A14": TriggerEvent.PRE_ADMIT,
    "A18": TriggerEvent.MERGE,
    "A28": TriggerEvent.ADD_PERSON,
    "A31": TriggerEvent.UPDATE_PERSON,
    "A34": TriggerEvent.MERGE,
    "A36": TriggerEvent.MERGE,
    "A37": TriggerEvent.UNLINK,
    "A38": TriggerEvent.PRE_ADMIT,
    "A40": TriggerEvent.MERGE,
    "A47": TriggerEvent.MERGE,
}
"""ADT events by code. One that is not here is taken, recorded and not checked."""


def trigger_event(message: Message) -> TriggerEvent:
    """What the message is about; OTHER for an ADT event without a meaning here.

    Raises Unreadable (200) for a message that is not an ADT.
    """
    if message.message_type != "ADT":
        raise Unreadable("only ADT messages are taken here", ErrorCode.UNSUPPORTED_MESSAGE_TYPE, Location("MSH", 9))
    return TRIGGER_EVENTS.get(message.event, TriggerEvent.OTHER)
