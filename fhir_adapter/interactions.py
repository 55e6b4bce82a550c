"""The table of what this door serves: `app` routes by it and `capability` publishes it, so neither can differ.

Source: FHIR R4, "RESTful API"; docs/integration/fhir.md.
"""

import re
from dataclasses import dataclass

_LETTERS = {"create": "c", "read": "r", "update": "u", "delete": "d", "search-type": "s"}


@dataclass(frozen=True, slots=True)
class Interaction:
    """One method at one path, in which `{id}` stands for an id. Without a scope anybody may ask.

    `code` is FHIR's (restful-interaction), or the name of an operation, with its $; `openapi` and
    `smart-configuration` are none of FHIR's.
    """

    method: str
    path: str
    code: str
    resource: str = ""
    scope: str = ""

    @property
    def is_operation(self) -> bool:
        """Whether it is an operation and no interaction of FHIR's."""
        return self.code.startswith("$")

    @property
    def letter(self) -> str:
        """The letter of its scope that it needs: operations read."""
        return _LETTERS.get(self.code, "r")


def _searches(resource: str, *paths: str) -> tuple[Interaction, ...]:
    scope = f"system/{resource}.rs"
    return tuple(
        Interaction(method, f"/{path}{suffix}", "search-type", resource, scope)
        for path in (resource, *paths)
        for method, suffix in (("GET", ""), ("POST", "/_search"))
    )


_SUBSCRIBING = "system/Subscription.cruds"
_SUBSCRIPTIONS = (
    Interaction("POST", "/Subscription", "create", "Subscription", _SUBSCRIBING),
    Interaction("GET", "/Subscription/{id}", "read", "Subscription", _SUBSCRIBING),
    Interaction("PUT", "/Subscription/{id}", "update", "Subscription", _SUBSCRIBING),
    Interaction("DELETE", "/Subscription/{id}", "delete", "Subscription", _SUBSCRIBING),
    Interaction("GET", "/Subscription", "search-type", "Subscription", _SUBSCRIBING),
    Interaction("POST", "/Subscription/_search", "search-type", "Subscription", _SUBSCRIBING),
    Interaction("GET", "/Subscription/$status", "$status", "Subscription", _SUBSCRIBING),
    Interaction("POST", "/Subscription/$status", "$status", "Subscription", _SUBSCRIBING),
    Interaction("GET", "/Subscription/{id}/$status", "$status", "Subscription", _SUBSCRIBING),
    Interaction("POST", "/Subscription/{id}/$status", "$status", "Subscription", _SUBSCRIBING),
    Interaction("GET", "/Subscription/{id}/$events", "$events", "Subscription", _SUBSCRIBING),
    Interaction("POST", "/Subscription/{id}/$events", "$events", "Subscription", _SUBSCRIBING),
    Interaction("GET", "/Communication/{id}", "read", "Communication", _SUBSCRIBING),
    Interaction("GET", "/Basic/{id}", "read", "Basic", _SUBSCRIBING),
    Interaction("GET", "/Basic", "search-type", "Basic", _SUBSCRIBING),
    Interaction("POST", "/Basic/_search", "search-type", "Basic", _SUBSCRIBING),
)

INTERACTIONS = (
    Interaction("GET", "/metadata", "capabilities"),
    Interaction("GET", "/openapi.json", "openapi"),
    Interaction("GET", "/.well-known/smart-configuration", "smart-configuration"),
    Interaction("GET", "/SearchParameter/{id}", "read", "SearchParameter"),
    *_searches("Flag", "PatientFlag"),
    Interaction("GET", "/Flag/{id}", "read", "Flag", "system/Flag.rs"),
    Interaction("GET", "/CarePlan/{id}", "read", "CarePlan", "system/Flag.rs"),
    *_searches("CareTeam"),
    Interaction("GET", "/CareTeam/{id}", "read", "CareTeam", "system/CareTeam.rs"),
    *_searches("AuditEvent"),
    Interaction("POST", "/Encounter", "create", "Encounter", "system/Encounter.cu"),
    Interaction("PUT", "/Encounter/{id}", "update", "Encounter", "system/Encounter.cu"),
    *_SUBSCRIPTIONS,
)

BY_PATH: dict[str, dict[str, Interaction]] = {}
for _each in INTERACTIONS:
    BY_PATH.setdefault(_each.path, {})[_each.method] = _each


_WITH_ID = re.compile(r"(/[A-Za-z]+/)([A-Za-z0-9.-]{1,64})(/\$[a-z-]+)?")


def route(path: str) -> tuple[str, str]:
    """The path of the table that an address belongs to, and the id in it; the address itself where it has none."""
    found = None if path in BY_PATH else _WITH_ID.fullmatch(path)
    return (f"{found[1]}{{id}}{found[3] or ''}", found[2]) if found else (path, "")
