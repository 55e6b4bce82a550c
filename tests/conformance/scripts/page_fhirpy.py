"""Goes through a long search page by page with fhirpy: {base, token, agent} come in, and the ids that it found go out."""

import json
import sys

from fhirpy import SyncFHIRClient  # type: ignore[import-not-found]

given = json.load(sys.stdin)
client = SyncFHIRClient(given["base"], authorization=f"Bearer {given['token']}")
events = client.resources("AuditEvent").search(agent=given["agent"]).limit(10)
json.dump({"ids": [event.id for event in events], "first page": len(events.fetch())}, sys.stdout)
