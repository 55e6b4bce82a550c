"""ADT^A04 messages as a hospital's engine sends them: about 500 bytes, each a new visit with a control ID of its own.

The MLLP load client sends what `registrations` makes. Source: HL7 v2.4 chapter 3; ITK HL7 v2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.people import Patient
from hl7_listener.times import format_time

_LOCAL_TIME = 14  # YYYYMMDDHHMMSS, without the offset that many engines leave out

_MESSAGE = (
    "MSH|^~\\&|PAS|{site}|NIGHTLIGHT|R0A|{at}||ADT^A04^ADT_A01|{control_id}|P|2.4|||||GBR|UNICODE|EN||ITKv1.0\r"
    "EVN|A04|{at}|||X1234^CLERK^Ada|{at}\r"
    "PID|1||{local}^^^{site}^MR~{number}^^^NHS^NH||{family}^{given}^^^^^L||{born:%Y%m%d}|2|||1 Example Street^^Testtown^^TE1 1ST"
    "||07700900123|||||||||||||||||||NSTS01\r"
    "NK1|1|{family}^Joanne|MTH^Mother^HL70063||07700900124\r"
    "PV1|1|E|ED^MAJORS^3^{site}|21||||||180||||19|||||{visit}^^^{site}^VN|||||||||||||||||||||||||{at}\r"
)


@dataclass(frozen=True, slots=True)
class Registration:
    """One message, and what the bench wants to find again by its visit number."""

    message: bytes
    control_id: str
    visit: str
    flagged: bool


def registrations(name: str, sites: Sequence[str], met: Iterator[Patient], at: datetime) -> Iterator[Registration]:
    """Messages for ever, the sites in turn. `name` makes their control IDs and visits unlike those of every other call."""
    local_time = format_time(at)[:_LOCAL_TIME]
    for count, patient in enumerate(met, start=1):
        control_id, visit = f"{name}{count:07}", f"V{name}{count:07}"
        message = _MESSAGE.format(
            site=sites[count % len(sites)],
            at=local_time,
            control_id=control_id,
            visit=visit,
            local=f"{7_000_000 + patient.sequence}",
            number=patient.number,
            family=patient.family_name.upper(),
            given=patient.given_name,
            born=patient.birth_date,
        )
        yield Registration(message.encode("ascii"), control_id, visit, patient.flagged)
