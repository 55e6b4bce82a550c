"""The events that an authority's own system knows of: what each message that goes back is about, in its Mex-Subject. Pure.

Source: docs/facts.md, section 4 ("Six events an authority's system knows").
"""

from enum import StrEnum

from safeguarding.mesh import NoticeKind, Outgoing, is_unreadable_file

_GIVEN_UP = "given-up"


class MeshEvent(StrEnum):
    """The first six are those that an authority's system knows; the last is the ordinary answer."""

    SERVICE_NOTIFICATION = "service-notification"
    EMPTY_NOTIFICATION = "empty-notification"
    INACTIVE_NHS_NUMBER = "inactive-nhs-number"
    UNEXPECTED_FAILURE = "unexpected-failure"
    UPLOAD_FAILED = "upload-failed"
    UPLOAD_FAILED_VALIDATION = "upload-failed-validation"
    UPLOAD_RESPONSE = "upload-response"


def event_of(outgoing: Outgoing) -> MeshEvent:
    """What a queued message is about. An upload that is refused failed for what stands in it, for when it came, or for us."""
    if outgoing.kind is not NoticeKind.UPLOAD_RESPONSE:
        return MeshEvent(outgoing.kind.value)
    if not outgoing.refusal_code:
        return MeshEvent.UPLOAD_RESPONSE
    if outgoing.refusal_code == _GIVEN_UP:
        return MeshEvent.UNEXPECTED_FAILURE
    return MeshEvent.UPLOAD_FAILED_VALIDATION if is_unreadable_file(outgoing.refusal_code) else MeshEvent.UPLOAD_FAILED
