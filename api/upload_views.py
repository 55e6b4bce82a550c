"""An upload as programs read it: its state, how far it is, why it was refused, and what the report says. No person is in it.

The authorities' door and the script of the upload page are given this. Source: docs/authority/sending.md.
"""

from typing import Any

from safeguarding.extracts.declaring import counts_text
from safeguarding.extracts.loading import ExtractReport, RowError
from safeguarding.extracts.uploads import Upload, UploadState

Json = dict[str, Any]
COUNTS = ("records", "opened", "amended", "ended", "deleted", "unchanged", "rejected", "held", "missing")


def upload_view(upload: Upload, report: ExtractReport | None) -> Json:
    """The status of an upload; `report` is its extract's, once it is loaded."""
    declaration = upload.declaration
    view: Json = {
        "id": str(upload.id),
        "authority": upload.authority_code,
        "state": upload.state.value,
        "received_at": upload.received_at.isoformat(),
        "bytes": upload.size,
        "sha256": upload.content_hash.hex(),
        "declared": {
            "extracted_at": declaration.extracted_at.isoformat() if declaration.extracted_at else None,
            "scope": declaration.scope.value,
            "sensitive": declaration.sensitive,
            "counts": counts_text(declaration.counts),
        },
    }
    if not upload.has_ended:
        view["progress"] = progress_view(upload)
    if upload.state is UploadState.REFUSED:
        view["refusal"] = {"code": upload.refusal_code, "words": upload.refusal}
    if report is not None:
        view["report"] = report_view(report)
    return view


def progress_view(upload: Upload) -> Json:
    """How far it is."""
    return {"step": upload.step or upload.state.value, "done": upload.done, "total": upload.total, "attempts": upload.attempts}


def report_view(report: ExtractReport) -> Json:
    """The report of an extract."""
    return {
        "extract": str(report.id),
        "state": report.state,
        "extracted_at": report.extracted_at.isoformat(),
        "format": report.file_format.value,
        "scope": report.scope.value,
        "words": report.words,
        **{name: getattr(report, name) for name in COUNTS},
        "notes": [{"code": note.code, "words": note.words, "count": note.count} for note in report.notes],
    }


def reject_view(reject: RowError) -> Json:
    """One rejected record, as it was sent: this names a person."""
    return {
        "line": reject.line, "place": reject.place, "field": reject.field, "code": reject.code, "reason": reject.reason,
        "record": reject.record,
    }  # fmt: skip
