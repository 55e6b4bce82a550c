"""The token endpoint and CDS Hooks in the same document: what they take, and all that can come back. Pure.

`document` adds them to the paths of the FHIR API. Sources: SMART App Launch 2.2, "Backend Services"; RFC 6749; CDS Hooks 2.0.
"""

from fhir_adapter.cds_hooks.errors import KINDS
from fhir_adapter.cds_hooks.services import DISCOVERY, SERVICES, Service
from fhir_adapter.codes import Json
from fhir_adapter.smart.configuration import ASSERTION_TYPE, GRANT_TYPE, TOKEN_PATH

EHR = "ehr"
_CDS_PATH = "/cds-services"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_TEXT: Json = {"type": "string", "minLength": 1}
_UUID: Json = {"type": "string", "format": "uuid"}
_TOKEN_ERRORS = {
    "400": "The request is wrong.",
    "401": "The client or its assertion is not good.",
    "405": "A token is asked for by POST.",
    "413": "The form is too long.",
    "503": "The assertion could not be checked.",
}


def _object(required: dict[str, Json], **optional: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


_TOKEN = _object(
    {"access_token": _TEXT, "token_type": {"const": "bearer"}, "expires_in": {"type": "integer", "maximum": 300}, "scope": _TEXT}
)
_TOKEN_ERROR = _object({"error": _TEXT, "error_description": _TEXT})
_TOKEN_REQUEST = _object(
    {
        "grant_type": {"const": GRANT_TYPE},
        "client_assertion_type": {"const": ASSERTION_TYPE},
        "client_assertion": {**_TEXT, "description": "A JWT that the client signed: good once, for five minutes at most."},
    },
    scope={"type": "string", "description": "Fewer scopes than the client is registered for."},
)
_CARD = _object(
    {
        "uuid": _UUID,
        "summary": {"type": "string", "minLength": 1, "maxLength": 139},
        "indicator": {"enum": ["info", "warning", "critical"]},
        "source": _object({"label": _TEXT}),
    },
    detail=_TEXT,
)
_CDS_ERROR = _object({"error": {"enum": [kind.code for kind in KINDS]}, "message": _TEXT})
_CALL = _object({"hook": _TEXT, "hookInstance": _TEXT, "context": {"type": "object"}}, prefetch={"type": "object"})
_FEEDBACK = _object({"feedback": {"type": "array", "minItems": 1, "items": _object({"card": _UUID, "outcome": _TEXT})}})


def ehr_security() -> Json:
    """How an EHR proves who it is."""
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A JWT of a registered EHR for every call: ES384 or RS384, aud the exact address, jti used once.",
    }


def other_paths() -> dict[str, Json]:
    """The Path Items, by the addresses on this server."""
    paths: dict[str, Json] = {
        TOKEN_PATH: {"post": _token()},
        _CDS_PATH: {"get": _cds("discover", "The services", _answer("The services.", {"const": DISCOVERY}))},
    }
    for service in SERVICES.values():
        paths[f"{_CDS_PATH}/{service.id}"] = {"post": _called(service)}
        paths[f"{_CDS_PATH}/{service.id}/feedback"] = {"post": _told(service)}
    return paths


def _token() -> Json:
    return {
        "operationId": "token",
        "summary": "Get a token for a signed assertion",
        "tags": ["token"],
        "security": [],
        "requestBody": {"required": True, "content": {_FORM: {"schema": _TOKEN_REQUEST}}},
        "responses": {
            "200": _answer("A token.", _TOKEN),
            **{status: _answer(words, _TOKEN_ERROR) for status, words in _TOKEN_ERRORS.items()},
        },
    }


def _called(service: Service) -> Json:
    cards = _object({"cards": {"type": "array", "items": _CARD}})
    return _cds(service.id, service.title, _answer("The cards.", cards), body=_CALL)


def _told(service: Service) -> Json:
    taken = _object({"recorded": {"type": "integer", "minimum": 0}})
    return _cds(f"{service.id}-feedback", "What became of the cards", _answer("It is written down.", taken), body=_FEEDBACK)


def _cds(operation_id: str, summary: str, answer: Json, body: Json | None = None) -> Json:
    errors = dict.fromkeys(str(kind.status) for kind in KINDS)
    described: Json = {
        "operationId": f"cds-{operation_id}",
        "summary": summary,
        "tags": ["CDS Hooks"],
        "security": [{EHR: []}],
        "responses": {
            "200": answer,
            **{status: _answer("No answer about the patient.", _CDS_ERROR) for status in errors},
        },
    }
    if body:
        described["requestBody"] = {"required": True, "content": {_JSON: {"schema": body}}}
    return described
