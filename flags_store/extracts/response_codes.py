"""The codes by which the national service answers an upload, and what of ours each stands for: one table, corrected here alone.

`responses` looks them up; a test compares this with a table typed by hand, and docs/authority/hl7-v3-and-mesh.md lists it.
Source: docs/facts.md, section 4 (CPR and CPF codes, which were corrected four times in the specification).
"""

from collections.abc import Mapping
from enum import StrEnum

from flags_store.extracts.codes import FileCode, RecordCode


class RecordResponse(StrEnum):
    """What became of one record."""

    NO_MATCH = "CPR01"
    SENSITIVE = "CPR02"
    NOT_VERIFIED = "CPR03"
    OLD_STYLE = "CPR04"
    SUPERSEDED = "CPR05"
    SUCCESS = "CPR06"
    UNSUCCESSFUL = "CPR07"


class FileResponse(StrEnum):
    """What became of the file."""

    CORRUPT = "CPF01"
    SUCCESS = "CPF02"
    PARTIAL = "CPF03"
    NONE_LOADED = "CPF04"
    PDS_UNAVAILABLE = "CPF05"
    UNSUPPORTED = "CPF06"


RECORD_RESPONSE_WORDS: Mapping[RecordResponse, str] = {
    RecordResponse.NO_MATCH: "No match",
    RecordResponse.SENSITIVE: "Sensitive record, cannot be updated",
    RecordResponse.NOT_VERIFIED: "Not verified: degree of match too low",
    RecordResponse.OLD_STYLE: "Old-style NHS number",
    RecordResponse.SUPERSEDED: "Superseded, new NHS number needed",
    RecordResponse.SUCCESS: "Success",
    RecordResponse.UNSUCCESSFUL: "Unsuccessful",
}
FILE_RESPONSE_WORDS: Mapping[FileResponse, str] = {
    FileResponse.CORRUPT: "File corrupt or not well formed",
    FileResponse.SUCCESS: "All records loaded",
    FileResponse.PARTIAL: "Valid records loaded, invalid records rejected",
    FileResponse.NONE_LOADED: "No record loaded",
    FileResponse.PDS_UNAVAILABLE: "PDS unavailable, resubmit",
    FileResponse.UNSUPPORTED: "Client version not supported",
}

OF_RECORD_CODE: Mapping[RecordCode, RecordResponse] = {
    RecordCode.OLD_NHS_NUMBER: RecordResponse.OLD_STYLE,
    RecordCode.NOT_IN_PDS: RecordResponse.NO_MATCH,
    RecordCode.PDS_DIFFERS: RecordResponse.NOT_VERIFIED,
    RecordCode.INVALIDATED: RecordResponse.SENSITIVE,
    RecordCode.SEALED: RecordResponse.SENSITIVE,
}
"""Every other code is CPR07, with its words as the detail."""

NEEDS_TRACE = frozenset({
    RecordResponse.NO_MATCH, RecordResponse.SENSITIVE, RecordResponse.NOT_VERIFIED, RecordResponse.SUPERSEDED,
})  # fmt: skip
"""Given only where PDS was asked about this very record; otherwise it is CPR07."""

WORST_FIRST = (
    RecordResponse.OLD_STYLE, RecordResponse.NO_MATCH, RecordResponse.NOT_VERIFIED, RecordResponse.SENSITIVE,
    RecordResponse.UNSUCCESSFUL, RecordResponse.SUPERSEDED, RecordResponse.SUCCESS,
)  # fmt: skip
"""Which of its plans' codes a record has."""

IS_LOADED = frozenset({RecordResponse.SUCCESS, RecordResponse.SUPERSEDED})
"""What counts as loaded: a superseded number loads here, under the newer one, and the authority is told to send that."""

OF_FILE_CODE: Mapping[str, FileResponse] = {
    FileCode.UNSUPPORTED_INTERACTION.value: FileResponse.UNSUPPORTED,
    FileCode.NO_RECORDS.value: FileResponse.NONE_LOADED,
}
"""What refuses a whole file; every other code of a file that cannot be read is CPF01, and of one that came too late CPF04."""


def file_response(records: int, loaded: int) -> FileResponse:
    """The code of a file that was read."""
    if loaded == 0:
        return FileResponse.NONE_LOADED
    return FileResponse.SUCCESS if loaded == records else FileResponse.PARTIAL


def refusal_response(code: str) -> FileResponse:
    """The code of a file that was refused as a whole: `code` is a FileCode's value, or that of another reason."""
    if code in OF_FILE_CODE:
        return OF_FILE_CODE[code]
    return FileResponse.CORRUPT if code in set(FileCode) else FileResponse.NONE_LOADED
