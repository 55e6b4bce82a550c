"""A backend service on fhirclient: it finds the token endpoint by the CapabilityStatement, gets a token for a signed assertion,
and goes through a long search page by page. {base, client, scope, assertion, agent} come in, what it found goes out.
"""

import json
import sys

from fhirclient.client import FHIRClient  # type: ignore[import-not-found]
from fhirclient.models.auditevent import AuditEvent  # type: ignore[import-not-found]

given = json.load(sys.stdin)
settings = {
    "app_id": given["client"],
    "api_base": given["base"],
    "scope": given["scope"],
    "jwt_token": given["assertion"],
}
smart = FHIRClient(settings=settings)
smart.prepare()
smart.authorize()
search = AuditEvent.where({"agent": given["agent"], "_count": "10"})
pages = [
    [entry.resource.id for entry in bundle.entry if entry.search.mode == "match"] for bundle in search.perform_iter(smart.server)
]
json.dump({"pages": pages}, sys.stdout)
