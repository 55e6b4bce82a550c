"""What a system can find out before it has a token: where tokens are had, and how. Pure.

`app` serves it below the FHIR base, and `capability` names the same address. Made of the constants by which tokens are checked.
Source: SMART App Launch 2.2, ".well-known/smart-configuration" and "Backend Services: discovery".
"""

from fhir_adapter.codes import RESTFUL_SECURITY, Json, coding
from runtime.clients import SCOPES
from runtime.jwks import ALGORITHMS

FHIR_PATH, TOKEN_PATH = "/FHIR/R4", "/oauth2/token"
GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def token_url(base_url: str) -> str:
    """The address of the token endpoint, from that of the FHIR API: the audience of every assertion."""
    return base_url.removesuffix(FHIR_PATH) + TOKEN_PATH


def smart_configuration(base_url: str) -> Json:
    """The document of the server whose FHIR API is at an address."""
    return {
        "token_endpoint": token_url(base_url),
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": list(SCOPES),
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }


def security(base_url: str, words: str) -> Json:
    """The `security` of the CapabilityStatement."""
    return {
        "extension": [{"url": _OAUTH_URIS, "extension": [{"url": "token", "valueUri": token_url(base_url)}]}],
        "cors": False,
        "service": [{"coding": [coding(RESTFUL_SECURITY, "SMART-on-FHIR", "SMART-on-FHIR")]}],
        "description": words,
    }
