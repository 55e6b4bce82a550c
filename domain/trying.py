"""A message that somebody tries: what the HL7 door would make of it at a site, without taking it.

`hl7_listener` answers with this, `nightlight` hands the function to the page of a site's rules (docs/hl7.md, "Care setting").
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of it, in words. `found` and `wrong` are labels and values; they may quote the message.

    `fired` is the place of the rule that decided, from 1; None where none did. `setting` and `why` are empty where no care
    setting follows from the message. `refusal` is why it would be held, and where; empty where it would be taken or ignored.
    `is_ignored`: it is an acknowledgement, which the listener neither takes nor holds.
    """

    told: str
    setting: str = ""
    why: str = ""
    fired: int | None = None
    refusal: str = ""
    found: tuple[tuple[str, str], ...] = ()
    wrong: tuple[tuple[str, str], ...] = ()
    is_ignored: bool = False
