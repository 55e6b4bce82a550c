"""The answer to a national upload as XML: a head with the code of the file, and one answer for each record. Pure.

`responses` renders with it. The names of classes and code systems are the specification's; how they nest is inferred.
Source: docs/facts.md, section 4; docs/authority/hl7-v3-and-mesh.md says what is inferred.
"""

from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from flags_store.extracts.response_codes import FILE_RESPONSE_WORDS, RECORD_RESPONSE_WORDS, FileResponse, RecordResponse

SEQUENCE_ROOT = "2.16.840.1.113883.2.1.3.2.4.18.46"
NHS_NUMBER_ROOT = "2.16.840.1.113883.2.1.4.1"
MESSAGE_TYPE = "2.16.840.1.113883.2.1.3.2.4.17.470"
RECORD_RESPONSE = "2.16.840.1.113883.2.1.3.2.4.17.473"
FILE_RESPONSE = "2.16.840.1.113883.2.1.3.2.4.17.474"
UNKNOWN_SEQUENCE = -1
"""What stands for the sequence number of a file of which it could not be read."""

TAIL = "</FileResponse>\n"


def render_head(at: datetime, sequence: int | None, records: int, response: FileResponse, detail: str = "") -> str:
    """All that stands before the first record's answer."""
    kind = "AA" if response is FileResponse.SUCCESS else "AE"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<FileResponse xmlns="urn:hl7-org:v3">\n'
        f'  <creationTime value="{to_timestamp(at)}"/>\n'
        f'  <id root="{SEQUENCE_ROOT}" extension="{UNKNOWN_SEQUENCE if sequence is None else sequence}"/>\n'
        f'  <transmissionQuantity value="{records}"/>\n'
        f'  <acknowledgementFile typeCode="{kind}"><acknowledgementFileDetail>'
        f"{_code(response.value, FILE_RESPONSE, FILE_RESPONSE_WORDS[response])}{_text(detail)}"
        "</acknowledgementFileDetail></acknowledgementFile>\n"
    )


def render_record(number: int, nhs_number: str, local_id: str, response: RecordResponse, *, is_loaded: bool, detail: str) -> str:
    """The answer to one record, which was the file's `number`th."""
    local = f"<id extension={quoteattr(local_id)}/>" if local_id else ""
    record = "ValidCP-ISRecord" if is_loaded else "InvalidCP-ISRecord"
    return (
        f"  <record><CP-ISLAAcknowledgementResponse>{_code('02', MESSAGE_TYPE, 'CP-IS Local Authority Acknowledgement Response')}"
        f'<subject><{record}><id root="{NHS_NUMBER_ROOT}" extension={quoteattr(nhs_number)}/>{local}</{record}></subject>'
        f'<acknowledgementRecord typeCode="{"AA" if is_loaded else "AE"}"><acknowledgementRecordDetail>'
        f"{_code(response.value, RECORD_RESPONSE, RECORD_RESPONSE_WORDS[response])}{_text(detail)}"
        f"<location>/File/record[{number}]</location></acknowledgementRecordDetail></acknowledgementRecord>"
        "</CP-ISLAAcknowledgementResponse></record>\n"
    )


def to_timestamp(at: datetime) -> str:
    """An instant as HL7 V3 writes it (TS), with its offset."""
    return at.strftime("%Y%m%d%H%M%S%z")


def _code(code: str, system: str, display: str) -> str:
    return f'<code code="{code}" codeSystem="{system}" displayName={quoteattr(display)}/>'


def _text(detail: str) -> str:
    return f"<text>{escape(detail)}</text>" if detail else ""
