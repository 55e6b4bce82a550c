"""This server as an OpenAPI 3.1 document: every address, what may be sent there, and all that can come back. Pure.

`app` makes it once at start and serves it without a token, as it serves the CapabilityStatement; it holds nothing about anybody.
Source: OpenAPI Specification 3.1.0.
"""

from urllib.parse import urlsplit

from fhir_adapter.codes import Json
from fhir_adapter.interactions import INTERACTIONS
from fhir_adapter.openapi.operations import HEADERS, SMART, operation
from fhir_adapter.openapi.other_doors import EHR, ehr_security, other_paths
from fhir_adapter.openapi.schemas import SCHEMAS
from fhir_adapter.smart.configuration import token_url

_VERSION = "0.1.0"
_DESCRIPTION = (
    "Is this child known to social care? FHIR R4 (4.0.1), JSON only. The answer states how far it reaches; it is not national. "
    "An empty Bundle means checked, none known; whatever goes wrong is an OperationOutcome and never a Bundle."
)


def openapi(base_url: str) -> Json:
    """The document of the server whose FHIR base is at an address, such as https://host/FHIR/R4."""
    base = urlsplit(base_url)
    origin = f"{base.scheme}://{base.netloc}"
    paths: dict[str, Json] = {}
    for each in INTERACTIONS:
        paths.setdefault(base.path + each.path, {})[each.method.lower()] = operation(each)
    paths |= other_paths()
    scopes = sorted({each.scope for each in INTERACTIONS if each.scope})
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Nightlight: child protection information for hospitals",
            "version": _VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "parameters": {name: {"name": name, "in": "header", **rest} for name, rest in HEADERS.items()},
            "securitySchemes": {SMART: _smart(token_url(base_url), scopes), EHR: ehr_security()},
        },
    }


def _smart(token_url: str, scopes: list[str]) -> Json:
    return {
        "type": "oauth2",
        "description": "SMART Backend Services: a token for a signed client assertion. It lives five minutes.",
        "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": {scope: _meaning(scope) for scope in scopes}}},
    }


def _meaning(scope: str) -> str:
    resource, _, letters = scope.removeprefix("system/").partition(".")
    words = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}
    return f"{', '.join(words[letter] for letter in letters)}: {resource}"
