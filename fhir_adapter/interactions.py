"""The table of what this door serves: `app` routes by it and `capability` publishes it, so neither can differ.

Source: FHIR R4, "RESTful API"; docs/integration/fhir.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interaction:
    """One method at one path. `code` is FHIR's (restful-interaction); without a scope anybody may ask."""

    method: str
    path: str
    code: str
    resource: str = ""
    scope: str = ""


def _searches(resource: str, *paths: str) -> tuple[Interaction, ...]:
    scope = f"system/{resource}.rs"
    return tuple(
        Interaction(method, f"/{path}{suffix}", "search-type", resource, scope)
        for path in (resource, *paths)
        for method, suffix in (("GET", ""), ("POST", "/_search"))
    )


FLAG_CODE_PARAMETER_ID = "England-FlagCode"

INTERACTIONS = (
    Interaction("GET", "/metadata", "capabilities"),
    Interaction("GET", f"/SearchParameter/{FLAG_CODE_PARAMETER_ID}", "read", "SearchParameter"),
    *_searches("Flag", "PatientFlag"),
    *_searches("CareTeam"),
)

BY_PATH: dict[str, dict[str, Interaction]] = {}
for _each in INTERACTIONS:
    BY_PATH.setdefault(_each.path, {})[_each.method] = _each
