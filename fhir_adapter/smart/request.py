"""A token request: a form comes in, what it asks for or an RFC 6749 error comes out. Pure.

`endpoint` reads by it before it asks anybody anything. Sources: RFC 6749, sections 4.4 and 5.2; RFC 7521, section 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from fhir_adapter.smart.configuration import ASSERTION_TYPE, GRANT_TYPE

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_ONCE = ("grant_type", "client_assertion_type", "client_assertion", "scope", "client_id")


class TokenError(Exception):
    """No token is issued. `error` and `words` are for the client; `reason`, a short code, is for the log alone."""

    def __init__(
        self, error: str, words: str, reason: str = "", status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(words)
        self.error = error
        self.words = words
        self.reason = reason or error
        self.status = status
        self.headers = dict(headers or {})


def invalid_client(reason: str) -> TokenError:
    """The same words whatever is wrong with the assertion: they tell nobody how far a forged one came."""
    words = "The client is not registered or not enabled, or its assertion is not good: see docs/integration/smart.md."
    return TokenError("invalid_client", words, reason, 401)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What is asked for. Without `scopes`, all that the client is registered for."""

    assertion: str = field(repr=False)
    scopes: tuple[str, ...]
    client_id: str


def read_token_request(content_type: str, body: bytes) -> TokenRequest:
    """The request in a form. Raises TokenError."""
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise TokenError("invalid_request", f"A token request is a form ({FORM}).")
    fields = _fields(body)
    grant_type = fields.get("grant_type", "")
    if not grant_type:
        raise TokenError("invalid_request", "grant_type is missing.")
    if grant_type != GRANT_TYPE:
        raise TokenError("unsupported_grant_type", f"grant_type is {GRANT_TYPE}.")
    if fields.get("client_assertion_type") != ASSERTION_TYPE or not fields.get("client_assertion"):
        raise invalid_client("no-assertion")
    return TokenRequest(fields["client_assertion"], tuple(fields.get("scope", "").split()), fields.get("client_id", ""))


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:  # of both: what is no UTF-8, and what has too many fields
        raise TokenError("invalid_request", "The form cannot be read.") from None
    names = [name for name, _ in pairs if name in _ONCE]
    if len(names) != len(set(names)):
        raise TokenError("invalid_request", "A parameter is given twice.")
    return dict(pairs)
