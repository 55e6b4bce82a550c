"""The messages of the day as bytes. The replay's client sends them; it stands apart from `hl7_listener`'s own code.

Source: HL7 v2.4 chapters 2 and 3; ITK HL7 v2.
"""

from datetime import datetime, timedelta

from bench.day.hospital import SITE
from bench.day.story import Stay, Step, Story, Who

_SECONDS = "%Y%m%d%H%M%S"
_RESTAMPED = timedelta(seconds=7)


def render(story: Story, step: Step) -> bytes:
    """One frame's content: a message, or a batch of them. What is sent again has a new MSH-7, as engines stamp it anew."""
    stamp = f"{step.sent_at + _RESTAMPED * step.again:{_SECONDS}}"
    messages = [
        _message(step, who, control_id, stamp)
        for who, control_id in zip((step.who, *step.batch), story.control_ids(step), strict=True)
    ]
    if not step.batch:
        return messages[0].encode("ascii")
    begin = f"BHS|^~\\&|{step.application}|{SITE}|NIGHTLIGHT|R0A|{stamp}||||B{story.index}\r"
    return (begin + "".join(messages) + f"BTS|{len(messages)}\r").encode("ascii")


def _message(step: Step, who: Who, control_id: str, stamp: str) -> str:
    at = f"{step.at:{_SECONDS}}"
    return (
        f"MSH|^~\\&|{step.application}|{SITE}|NIGHTLIGHT|R0A|{stamp}||ADT^{step.event}|{control_id}|P|2.4|||||GBR|UNICODE|EN||ITKv1.0\r"
        f"EVN|{step.event}|{at}|||X1234^CLERK^Ada|{at}\r"
        f"{_pid(who)}{_mother(who)}"
        f"{f'MRG|{step.prior}' + chr(13) if step.prior else ''}"
        f"{_pv1(step.stay, step.at, step) if step.stay else ''}"
    )


def _pid(who: Who) -> str:
    number, status = (f"~{who.number}^^^NHS^NH", "NSTS01") if who.number else ("", "NSTS03")
    return (
        f"PID|1||{who.local}^^^{SITE}^MR{number}||{who.family}^{who.given}^^^^^L||{who.born}|2|||"
        f"1 Example Street^^Testtown^^TE1 1ST||07700900123|||||||||||||||||||{status}\r"
    )


def _mother(who: Who) -> str:
    return f"NK1|1|MARSH^Jo|MTH^Mother^HL70063{'|' * 30}{who.mother}^^^NHS^NH\r" if who.mother else ""


def _pv1(stay: Stay, at: datetime, step: Step) -> str:
    since = f"{stay.since or at:{_SECONDS}}"
    left = f"{at:{_SECONDS}}" if step.event == "A03" else ""
    disposition = "12" if step.left_before_seen else ""
    return (
        f"PV1|1|{stay.patient_class}|WARD^BAY^3^{SITE}|{stay.method}||||||{stay.function}||||19|||||{stay.visit}^^^{SITE}^VN"
        f"{'|' * 17}{disposition}{'|' * 8}{since}|{left}\r"
    )
