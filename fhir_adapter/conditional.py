"""Versions of what is read, and the conditions of a read: ETag and If-None-Match, Last-Modified and If-Modified-Since. Pure.

`reads` hands over the resource as it is now. A version is made of what the resource says, so that 304 can never hide a change.
Sources: FHIR R4, "RESTful API" (conditional read, ETag); RFC 9110, sections 8.8 and 13.1.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b

import orjson

from fhir_adapter.codes import Json
from fhir_adapter.errors import INVALID_SEARCH, Refused
from fhir_adapter.exchange import Answered
from fhir_adapter.summary import Shape

_VERSION_BYTES = 6
_SETTLED = timedelta(seconds=30)
"""A change is dated by the beginning of its transaction, which lasts seconds (runtime/database.py), and Last-Modified tells whole
seconds: what changes after a read is dated later than that read's Last-Modified only where that is older than this."""


def answer_read(resource: Json, headers: Mapping[str, str], shape: Shape, at: datetime) -> Answered:
    """The resource with its version, or 304 without a body. Its `meta.lastUpdated` says when it changed.

    Without that, and while a change of that time may still come, there is no Last-Modified, and If-Modified-Since is passed over.
    So is one that is no Last-Modified of ours: a change may be dated earlier than it could be seen.
    Raises Refused for a read that counts.
    """
    if shape.counts_only:
        raise Refused(INVALID_SEARCH, "_summary=count is for searches.")
    version, updated = to_version(resource), resource["meta"].get("lastUpdated")
    if updated and at - updated < _SETTLED:
        updated = None
    out = {"etag": f'W/"{version}"'}
    if updated:
        out["last-modified"] = format_datetime(updated.astimezone(UTC), usegmt=True)
    if _is_known(headers, version, updated):
        return Answered(None, 304, out)
    meta = {"versionId": version, **resource["meta"]}
    return Answered(shape.apply({**resource, "meta": meta}), headers=out)


def to_version(resource: Json) -> str:
    """A number that is another one whenever the resource says something else than when it changed."""
    said = {**resource, "meta": {name: value for name, value in resource["meta"].items() if name != "lastUpdated"}}
    digest = blake2b(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), digest_size=_VERSION_BYTES).digest()
    return str(int.from_bytes(digest))


def _is_known(headers: Mapping[str, str], version: str, updated: datetime | None) -> bool:
    none_match = headers.get("if-none-match")
    if none_match is not None:  # then If-Modified-Since is not looked at
        tags = {tag.strip().removeprefix("W/").strip('"') for tag in none_match.split(",")}
        return bool(tags & {version, "*"})
    since = _to_instant(headers.get("if-modified-since", ""))
    return updated is not None and since is not None and updated.replace(microsecond=0) == since


def _to_instant(text: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
