"""Asks as an application on fhirclient would: {base, token, number} come in, and what fhirclient made of the answers goes out.

fhirclient reads every resource into strict models of FHIR R4: an element that they do not know is an error.
"""

import json
import sys

from fhirclient.models.careplan import CarePlan  # type: ignore[import-not-found]
from fhirclient.models.careteam import CareTeam  # type: ignore[import-not-found]
from fhirclient.models.flag import Flag  # type: ignore[import-not-found]
from fhirclient.server import FHIRServer, FHIRUnauthorizedException  # type: ignore[import-not-found]

given = json.load(sys.stdin)
server = FHIRServer(None, given["base"])
server.session.headers["Authorization"] = f"Bearer {given['token']}"
stranger = FHIRServer(None, given["base"])


def refused() -> int:
    try:
        list(Flag.where({"patient": given["number"]}).perform_iter(stranger))
    except FHIRUnauthorizedException as error:
        return int(error.response.status_code)
    return 200


[bundle] = Flag.where({"patient": given["number"]}).perform_iter(server)
resources = [entry.resource for entry in bundle.entry]
flag, plan, team = (next(each for each in resources if isinstance(each, kind)) for kind in (Flag, CarePlan, CareTeam))
again = [kind.read(each.id, server).as_json() for kind, each in ((Flag, flag), (CarePlan, plan), (CareTeam, team))]
json.dump(
    {
        "fhir version": server.capabilityStatement.fhirVersion,
        "total": bundle.total,
        "types": [each.resource_type for each in resources],
        "flag": [flag.code.coding[0].code, flag.subject.identifier.value],
        "plan": [plan.status, plan.category[0].coding[0].code, plan.period.start.isostring[:10]],
        "team": [team.name, [phone.use for phone in team.telecom]],
        "read": {each["resourceType"]: each["id"] in {flag.id, plan.id, team.id} for each in again},
        "no token": refused(),
    },
    sys.stdout,
)
