"""What would mend the cause for which a message is held: by its error code of HL7 table 0357, in a person's words.

The page and the command show it beside the reason. Source: docs/hl7.md, "Error codes".
"""

_BY_CODE = {
    "100": "The sender must mend the message and send it again: replaying this one cannot help. Nobody was checked by it.",
    "101": "The sender must fill the field and send the message again: replaying this one cannot help. Nobody was checked by it.",
    "102": "The sender must mend the field and send the message again: replaying this one cannot help. Nobody was checked by it.",
    "103": "The sender must use a value that the standard knows, and send the message again.",
    "200": "Messages of this type do not belong here. Correct the route in the sending engine, then discard this one.",
    "201": "This event does not belong here. Correct the route in the sending engine, then discard this one.",
    "202": "The sender must correct MSH-11 and send the message again.",
    "203": "The sender must correct MSH-12 and send the message again.",
    "204": "Whoever keeps Nightlight lets the sender speak for the facility in MSH-4 (nightlight site add … --from), or the sender "
    "corrects MSH-4. Then replay.",
    "205": "The sender must stop using a control ID twice, or the site takes such messages from now on. Then replay.",
    "206": "Something else was at work on the same record. Replay.",
    "207": "Whoever keeps Nightlight must look at the message: something in it could not be stored. Then replay.",
}
_UNKNOWN = "Look at the message. Mend what the reason says, then replay."


def what_would_mend(error_code: str) -> str:
    """One or two sentences; never anything from the message."""
    return _BY_CODE.get(error_code, _UNKNOWN)
