"""Asks as an application on fhirpy would: {base, token, number} come in, and what fhirpy made of the answers goes out."""

import json
import sys
from collections.abc import Callable
from typing import Any

from fhirpy import SyncFHIRClient  # type: ignore[import-not-found]
from fhirpy.base.exceptions import AuthorizationError, OperationOutcome  # type: ignore[import-not-found]

given = json.load(sys.stdin)
client = SyncFHIRClient(given["base"], authorization=f"Bearer {given['token']}")
stranger = SyncFHIRClient(given["base"], authorization="Bearer none")


def refused(ask: Callable[[], object]) -> str:
    try:
        ask()
    except (AuthorizationError, OperationOutcome) as error:
        return f"{type(error).__name__}: {error}"
    return "answered"


def read(found: Any) -> bool:
    """Whether a resource that a search found can be read at its own address."""
    again = client.reference(found.resource_type, found.id).to_resource()
    return bool(again.id == found.id)


bundle = client.resources("Flag").search(patient=given["number"]).fetch_raw()
[flag] = client.resources("Flag").search(**{"patient.identifier": f"https://fhir.nhs.uk/Id/nhs-number|{given['number']}"}).fetch()
[team] = client.resources("CareTeam").search(patient=given["number"]).fetch()
json.dump(
    {
        "total": bundle.total,
        "types": [entry.resource.resource_type for entry in bundle.entry],
        "flag": [flag.get_by_path(["code", "coding", 0, "code"]), flag.subject.identifier.value],
        "team": [team.name, [phone.use for phone in team.telecom]],
        "read": {entry.resource.resource_type: read(entry.resource) for entry in bundle.entry if entry.resource.get("id")},
        "none known": client.resources("Flag").search(patient=given["unknown"]).count(),
        "wrong number": refused(client.resources("Flag").search(patient="9990000019").fetch),
        "no token": refused(stranger.resources("Flag").search(patient=given["number"]).fetch),
    },
    sys.stdout,
)
