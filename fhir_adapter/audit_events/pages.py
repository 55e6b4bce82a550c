"""Where the next page of the trail begins, as an opaque word for `link.next`. Pure.

It holds the conditions of the search and the last row that was seen; of a patient the ids of persons and keyed hashes, never the
number. Pages are stable: what is written later comes before the first. Source: FHIR R4, "RESTful API", paging.
"""

import base64
import binascii
from datetime import datetime
from uuid import UUID

import orjson

from fhir_adapter.errors import INVALID_SEARCH, Refused
from safeguarding.trail import Patient, TrailSearch


def page_word(search: TrailSearch, before: UUID, count: int) -> str:
    """The word for the page after a row."""
    patient = search.patient
    content = orjson.dumps(
        {
            "count": count,
            "before": before,
            "agent": search.agent,
            "agent_name": search.agent_name,
            "organisation": search.organisation,
            "since": search.since,
            "until": search.until,
            "patient": [list(patient.persons), [each.hex() for each in patient.hashes]] if patient else None,
        }
    )
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def read_page(word: str) -> tuple[TrailSearch, int]:
    """The search and how many rows a page of it has. Raises Refused for a word that is not one of ours."""
    try:
        content = orjson.loads(base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True))
        patient = content["patient"]
        if patient is not None:
            persons, hashes = patient
            patient = Patient(tuple(UUID(each) for each in persons), tuple(bytes.fromhex(each) for each in hashes))
        search = TrailSearch(
            patient=patient, before=UUID(content["before"]), agent=_text(content["agent"]),
            agent_name=_text(content["agent_name"]), organisation=_text(content["organisation"]),
            since=_time(content["since"]), until=_time(content["until"]),
        )  # fmt: skip
        return search, max(1, min(int(content["count"]), 100))
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise Refused(INVALID_SEARCH, "This page is not one that a link led to.") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    return value


def _time(value: str | None) -> datetime | None:
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError
    return at
