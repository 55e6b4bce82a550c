"""The notices that go to an authority's system, as XML: an access, a number that is inactive, a day without any access. Pure.

`channel` and `outbox` render with it. Names of classes and codes are the specification's; how they nest is inferred.
Source: docs/facts.md, section 2 (who, role, organisation, when: no reason, no diagnosis); docs/authority/hl7-v3-and-mesh.md.
"""

from datetime import datetime
from uuid import UUID
from xml.sax.saxutils import escape, quoteattr

from safeguarding.mesh import AccessNotice

MESSAGE_TYPE = "2.16.840.1.113883.2.1.3.2.4.17.470"
NHS_NUMBER_ROOT = "2.16.840.1.113883.2.1.4.1"
_ACCESS = ("CP-ISAccessToServiceNotification", "05", "CP-IS Access to Service Notification")
_INACTIVE = ("CP-ISInactiveNHSNumberNotification", "06", "CP-IS Inactive NHS Number Notification")


def render_access(notice: AccessNotice, message_id: UUID, at: datetime) -> bytes:
    """One access."""
    looked = (
        f'<effectiveTime value="{_timestamp(notice.at)}"/>'
        f"<author><name>{escape(notice.who)}</name><role>{escape(notice.role)}</role>"
        f"<organisation><id extension={quoteattr(notice.organisation)}/><name>{escape(notice.organisation_name)}</name>"
        "</organisation></author>"
    )
    inside = _total(1) + _subject(notice.nhs_number, notice.local_id) + f"<CP-ISRecordAccess>{looked}</CP-ISRecordAccess>"
    return _message(_ACCESS, str(message_id), notice.authority_code, at, inside)


def render_empty(authority_code: str, message_id: UUID, at: datetime, day: str) -> bytes:
    """A day on which there was no access to tell of."""
    inside = f'{_total(0)}<CP-ISRecordAccess><effectiveTime value="{day.replace("-", "")}"/></CP-ISRecordAccess>'
    return _message(_ACCESS, str(message_id), authority_code, at, inside)


def render_inactive(authority_code: str, message_id: UUID, at: datetime, nhs_number: str, local_id: str, reason: str) -> bytes:
    """A number that PDS uses no longer. Which one took its place is not told."""
    inside = _subject(nhs_number, local_id) + f"<reason>{escape(reason)}</reason>"
    return _message(_INACTIVE, str(message_id), authority_code, at, inside)


def _message(kind: tuple[str, str, str], message_id: str, authority_code: str, at: datetime, inside: str) -> bytes:
    element, code, display = kind
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{element} xmlns="urn:hl7-org:v3">'
        f'<code code="{code}" codeSystem="{MESSAGE_TYPE}" displayName="{display}"/>'
        f'<effectiveTime value="{_timestamp(at)}"/><id root="{message_id.upper()}"/>'
        f"<primaryInformationRecipient><organisation><id extension={quoteattr(authority_code)}/></organisation>"
        f"</primaryInformationRecipient>{inside}</{element}>\n"
    ).encode()


def _subject(nhs_number: str, local_id: str) -> str:
    local = f"<id extension={quoteattr(local_id)}/>" if local_id else ""
    return f'<subject><id root="{NHS_NUMBER_ROOT}" extension={quoteattr(nhs_number)}/>{local}</subject>'


def _total(count: int) -> str:
    return f'<totalReturnedRecords><value value="{count}"/></totalReturnedRecords>'


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")
