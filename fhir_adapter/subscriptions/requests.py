"""What the handlers of this room share: who acts, which id and version are meant, and how a resource goes back.

`handlers` and `operations` call it. Source: FHIR R4, "RESTful API" (version aware updates, ETag).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote, urlencode
from uuid import UUID

from domain.actor import Actor, ActorKind
from domain.errors import Conflict, InvalidInput, NotAllowed, NotFound
from domain.subscription import Subscription
from fhir_adapter.codes import Json
from fhir_adapter.errors import BAD_HEADER, CONFLICT, INVALID_SEARCH, NOT_ALLOWED, NOT_FOUND, WRONG_VERSION, Refused
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.search_parameters import FORMAT, PARAMETERS
from fhir_adapter.subscriptions.resource import to_subscription_resource
from runtime.ids import uuid7

_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"', re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def actor_of(call: Call) -> Actor:
    """The client as the audit trail knows it."""
    client = call.client
    return Actor(
        ActorKind.SYSTEM, client.id, client.id, client.organisation_code or client.authority_code or "", call.asked.user_role_id
    )


def id_of(call: Call) -> UUID:
    """The id in the address. Raises Refused (404) for what can be no id of ours."""
    if not _UUID.fullmatch(call.id):
        raise Refused(NOT_FOUND, "There is no such resource.")
    return UUID(call.id)


def version_asked(call: Call) -> int | None:
    """The version that the caller builds on, or None for whichever there is. Raises Refused (400) for no ETag of ours."""
    asked = call.headers.get("if-match", "*").strip()
    if asked == "*":
        return None
    found = _ETAG.fullmatch(asked)
    if not found:
        raise Refused(BAD_HEADER, 'Missing or invalid header parameter: If-Match is an ETag such as W/"1".')
    return int(found[1])


@contextmanager
def refusing(conflict_is_version: bool = True) -> Iterator[None]:
    """What a use case raises, in this door's words."""
    try:
        yield
    except NotFound:
        raise Refused(NOT_FOUND, "There is no such resource.") from None
    except NotAllowed as error:
        raise Refused(NOT_ALLOWED, f"Not allowed: {error}.") from None
    except Conflict as error:
        raise Refused(WRONG_VERSION if conflict_is_version else CONFLICT, f"Nothing was recorded: {error}.") from None
    except InvalidInput as error:
        raise Refused(INVALID_SEARCH, f"Nothing was recorded: {error}.") from None


def to_answered(subscription: Subscription, parts: Parts, status: int = 200) -> Answered:
    """The subscription, with its version and, where it is new, its address."""
    headers = {"etag": f'W/"{subscription.version}"', "last-modified": http_date(subscription.changed_at)}
    if status == 201:
        headers["location"] = f"{parts.base_url}/Subscription/{subscription.id}"
    return Answered(to_subscription_resource(subscription), status, headers)


def http_date(at: datetime) -> str:
    """As HTTP writes an instant."""
    return format_datetime(at, usegmt=True)


def parameters_asked(call: Call) -> list[tuple[str, str]]:
    """The parameters that are published for the resource. Raises Refused for another, where the caller asks for strict handling."""
    known = [parameter.name for parameter in PARAMETERS[call.interaction.resource]]
    pairs = [(name, value) for name, value in call.pairs if name != FORMAT]
    if call.asked.strict and any(name not in known for name, _ in pairs):
        raise Refused(INVALID_SEARCH, f"The search has a parameter that is not supported here. Supported: {', '.join(known)}.")
    return [(name, value) for name, value in pairs if name in known]


def to_searchset(
    path: str, used: Sequence[tuple[str, str]], entries: Sequence[tuple[str, Json]], parts: Parts, at: datetime
) -> Json:
    """A searchset of (fullUrl, resource), all of them matches."""
    query = f"?{urlencode(used, safe=':/', quote_via=quote)}" if used else ""
    bundle: Json = {
        "resourceType": "Bundle",
        "id": str(uuid7()),
        "type": "searchset",
        "timestamp": at,
        "total": len(entries),
        "link": [{"relation": "self", "url": f"{parts.base_url}/{path}{query}"}],
    }
    matches = [{"fullUrl": url, "resource": resource, "search": {"mode": "match"}} for url, resource in entries]
    return {**bundle, "entry": matches or [_NOTHING_FITS]}


_NOTHING_FITS: Json = {
    "fullUrl": f"urn:uuid:{uuid7()}",
    "resource": {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "information", "code": "informational", "details": {"text": "Nothing of this client's own fits."}}],
    },
    "search": {"mode": "outcome"},
}
