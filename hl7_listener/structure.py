"""Where structure matters: fields by their names in the standard, and what a message has against its structure (hl7apy).

`nightlight hl7 explain` and `nightlight hl7 validate` call it; the listener never does: it reads what hospitals really send.
Source: HL7 v2.1 to v2.8.2, message structures and tables, as hl7apy holds them.
"""

import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from hl7apy import SUPPORTED_LIBRARIES, load_library
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message, parse_segment

from hl7_listener.message import Message, Segment

DEFAULT_VERSION = "2.4"
_TYPE, _VERSION = 9, 12
_STRUCTURES = {
    "A04": "ADT_A01", "A08": "ADT_A01", "A13": "ADT_A01", "A05": "ADT_A05", "A14": "ADT_A05", "A28": "ADT_A05", "A31": "ADT_A05",
    "A07": "ADT_A06", "A11": "ADT_A09", "A12": "ADT_A09", "A34": "ADT_A30", "A36": "ADT_A30", "A47": "ADT_A30", "A40": "ADT_A39",
    "Q22": "QBP_Q21",
}  # fmt: skip
"""Structures by event where they are not called as the event is (v2.4 appendix A, table 0354); many feeds leave MSH-9.3 out."""
_BEFORE_ADT_A05 = {"ADT_A05": "ADT_A01"}
_FIELD = re.compile(r"\b([A-Z][A-Z0-9]{2})[._]\1_(\d+)|\b([A-Z][A-Z0-9]{2})_(\d+)\b")


class Severity(StrEnum):
    """An error is against the structure; a warning is a value that is in no table of the standard, as many local ones are."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the standard has it. `segment` is where, such as "NK1 (2)"; empty for the whole message."""

    segment: str
    severity: Severity
    sentence: str


def nearest_version(version: str) -> str:
    """The version of the standard by which such a message is looked at: 2.4 for 2.4.1, and for what is no version."""
    while version and version not in SUPPORTED_LIBRARIES:
        version = version.rpartition(".")[0]
    return version or DEFAULT_VERSION


@cache
def field_names(segment: str, version: str) -> dict[int, str]:
    """The fields of a segment by position, such as 5: "Patient name". Empty for what the standard does not know."""
    definition = load_library(nearest_version(version)).SEGMENTS.get(segment)
    if definition is None:
        return {}
    return {position: _words(field[1][3]) for position, field in enumerate(definition[1], 1) if field[1][3]}


def check_structure(message: Message) -> tuple[Finding, ...]:
    """What is not as the standard has it: of the message as a whole first, then segment by segment. Z segments are passed over.

    hl7apy raises where it cannot read at all; that is a finding too.
    """
    version = nearest_version(message.version)
    counts: dict[str, int] = {}
    of_segments: list[Finding] = []
    for segment in message:
        number = counts[segment.name] = counts.get(segment.name, 0) + 1
        if not segment.name.startswith("Z"):
            of_segments += _of_segment(segment, segment.name if number == 1 else f"{segment.name} ({number})", message, version)
    known = {finding.sentence for finding in of_segments}
    whole = [each for each in _of_whole(message, version) if each.sentence not in known]
    return (*_of_version(message, version), *whole, *of_segments)


def structure_of(message: Message, version: str) -> str:
    """The structure that the message should have, such as ADT_A01; empty where the version has none for it."""
    known = load_library(version).MESSAGES
    named = _STRUCTURES.get(message.event, "")
    candidates = (
        message.header.component(_TYPE, 3), f"{message.message_type}_{message.event}", named, _BEFORE_ADT_A05.get(named, ""),
    )  # fmt: skip
    return next((each for each in candidates if each in known), "")


def _of_version(message: Message, version: str) -> Iterable[Finding]:
    if message.version != version:
        said = f"there is no version {message.version}" if message.version else "the version is missing"
        yield Finding("MSH", Severity.WARNING, f"MSH-12: {said}; looked at as {version}")


def _of_whole(message: Message, version: str) -> list[Finding]:
    structure = structure_of(message, version)
    if not structure:
        said = f"version {version} has no structure for {message.message_type}^{message.event}: only segments were looked at"
        return [Finding("", Severity.WARNING, said)]
    found = _report("", lambda: _as_message(message, version, structure))
    return [each for each in found if "MSH-9" not in each.sentence]  # that one is ours: see _as_message


def _of_segment(segment: Segment, place: str, message: Message, version: str) -> list[Finding]:
    characters = _encoding_characters(message)
    text = _changed(segment.text, message, {_VERSION: version}) if segment.name == "MSH" else segment.text
    return _report(place, lambda: parse_segment(text, version=version, encoding_chars=characters))


def _as_message(message: Message, version: str, structure: str) -> Any:
    header, *others = (segment.text for segment in message)
    kind = message.syntax.component.join((message.message_type, message.event, structure))
    return parse_message("\r".join((_changed(header, message, {_TYPE: kind, _VERSION: version}), *others)), find_groups=True)


def _changed(header: str, message: Message, changes: dict[int, str]) -> str:
    """The MSH with other values in some fields, so that hl7apy knows what it looks at."""
    separator = message.syntax.field
    fields = header.split(separator)
    fields += [""] * (_VERSION - len(fields))
    for number, value in changes.items():
        fields[number - 1] = value
    return separator.join(fields)


def _encoding_characters(message: Message) -> dict[str, str]:
    syntax = message.syntax
    return {
        "SEGMENT": "\r", "FIELD": syntax.field, "COMPONENT": syntax.component, "REPETITION": syntax.repetition,
        "ESCAPE": syntax.escape, "SUBCOMPONENT": syntax.subcomponent, "GROUP": "\r",
    }  # fmt: skip


def _report(place: str, read: Callable[[], Any]) -> list[Finding]:
    """What hl7apy says of what was read; it writes its report into a file, and raises the first error as well."""
    with tempfile.TemporaryDirectory(prefix="nightlight-") as folder:  # 0700: a report quotes values
        report = Path(folder) / "report"
        try:
            read().validate(report_file=str(report))
        except HL7apyException as error:
            if not report.exists():
                return [Finding(place, Severity.ERROR, _sentence(str(error) or type(error).__name__))]
        except (IndexError, KeyError, TypeError, ValueError, AttributeError) as error:  # hl7apy's own way to give up
            return [Finding(place, Severity.ERROR, f"cannot be taken apart ({type(error).__name__})")]
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    return [_finding(place, line) for line in dict.fromkeys(lines) if ": " in line]


def _finding(place: str, line: str) -> Finding:
    severity, _, sentence = line.partition(": ")
    return Finding(place, Severity.ERROR if severity == "Error" else Severity.WARNING, _sentence(sentence))


def _sentence(text: str) -> str:
    """hl7apy's words with places as people write them: PID-8, not PID.PID_8."""
    return _FIELD.sub(lambda found: f"{found[1] or found[3]}-{found[2] or found[4]}", " ".join(text.split()))


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
