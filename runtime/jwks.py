"""Other systems' public keys, and what their signed tokens must be. Pure: where the keys come from is the caller's affair.

The token endpoint and CDS Hooks hand in a token and the keys registered for its issuer (`runtime.published_keys` fetches those at
a URL), and get its claims, or BadToken. Sources: RFC 7517 (JWK), RFC 7519 (JWT), RFC 8725 (their dangers); SMART App Launch 2.2.
"""

import math
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from domain.errors import InvalidInput, NightlightError

ALGORITHMS = ("RS384", "RS512", "ES384")
"""The only ones: none of them takes a secret that both sides have."""

SKEW = 30
"""Seconds by which the other side's clock may differ from ours."""

LONGEST_LIFE = 300
"""Seconds that a token may still be good."""

LONGEST_TOKEN = 8 * 1024
_LONGEST_NAME = 255
_MOST_KEYS = 50
_RSA_BITS = range(2048, 8193)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class BadToken(NightlightError):
    """A signed token is not what it must be. `reason` is a short code for the log, never for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the signed token is not good: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, with the algorithms that it may verify: the one that it names, or those of its kind."""

    kid: str
    algorithms: frozenset[str]
    key: RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself, to find the keys that would show it to be true."""

    algorithm: str
    kid: str
    type: str
    key_url: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature, audience and times are good. Whether its jti is new is still to be asked."""

    issuer: str
    subject: str
    jti: str
    expires_at: datetime
    claims: Mapping[str, Any]


def read_unverified(token: str) -> Unverified:
    """What a token says, with nothing checked. Raises BadToken (malformed)."""
    parts = token.split(".")
    if len(token) > LONGEST_TOKEN or len(parts) != 3 or not token.isascii():
        raise BadToken("malformed")
    header, claims = _decoded(parts[0]), _decoded(parts[1])
    said = (header.get("alg", ""), header.get("kid", ""), header.get("typ", ""), header.get("jku", ""), claims.get("iss", ""))
    if not all(isinstance(each, str) for each in said) or len(said[1]) > _LONGEST_NAME:
        raise BadToken("malformed")
    return Unverified(*said)


def verify(
    token: str,
    keys: Iterable[VerifyingKey],
    audience: str,
    *,
    algorithms: Collection[str] = ALGORITHMS,
    types: Collection[str] | None = None,
    at: float | None = None,
) -> Verified:
    """Check a token against its issuer's keys at an instant (Unix seconds; now). `types` are what its typ may be, in lower case.

    Raises BadToken: malformed, algorithm, type, key-unknown, signature, audience, issuer, no-jti, times, expired, too-long,
    not-yet.
    """
    said = read_unverified(token)
    if said.algorithm not in algorithms:
        raise BadToken("algorithm")
    if types is not None and said.type.lower() not in types:
        raise BadToken("type")
    claims = _signed_claims(token, _find(keys, said), said.algorithm)
    if claims.get("aud") not in (audience, [audience]):
        raise BadToken("audience")
    issuer, jti = claims.get("iss"), claims.get("jti")
    if not isinstance(issuer, str) or not issuer:
        raise BadToken("issuer")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_NAME:
        raise BadToken("no-jti")
    expires = _check_times(claims, time.time() if at is None else at)
    return Verified(issuer, str(claims.get("sub", "")), jti, datetime.fromtimestamp(expires, UTC), claims)


def public_key(jwk: Mapping[str, Any]) -> VerifyingKey:
    """The key of a JWK. Raises InvalidInput, in words for an operator, for one that may not verify tokens."""
    if not _PRIVATE.isdisjoint(jwk):
        raise InvalidInput(
            "this is a private or shared key: only the public half is registered, and the private one stays with its owner"
        )
    kind = jwk.get("kty")
    named = {"RSA": ("RS384", "RS512"), "EC": ("ES384",)}.get(kind if isinstance(kind, str) else "", ())
    allowed = frozenset(named) & {jwk.get("alg", each) for each in named}
    if not allowed or (kind == "EC" and jwk.get("crv") != "P-384"):
        raise InvalidInput("a key is an RSA key for RS384 or RS512, or a key on P-384 for ES384")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        raise InvalidInput("a key is for signatures (use: sig)")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_NAME:
        raise InvalidInput("a key has an id (kid) of 1 to 255 characters")
    try:
        return VerifyingKey(kid, allowed, _import(dict(jwk)))
    except (JoseError, ValueError, TypeError, KeyError):
        raise InvalidInput(f"a key has what RFC 7518 asks for, and an RSA key {_RSA_BITS[0]} to {_RSA_BITS[-1]} bits") from None


def read_key_set(document: Any) -> tuple[VerifyingKey, ...]:
    """The keys of a JWK Set that may verify tokens; others in it are passed over (RFC 7517, section 5).

    Raises InvalidInput where it is no JWK Set.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise InvalidInput("a JWK Set has a list of keys")
    keys = []
    for jwk in listed[:_MOST_KEYS]:
        try:
            keys.append(public_key(jwk))
        except (InvalidInput, AttributeError, TypeError):
            continue
    return tuple(keys)


@lru_cache(maxsize=1024)
def parsed_key_set(text: str) -> tuple[VerifyingKey, ...]:
    """The keys of a registered JWK Set (`Client.key_set`), each text parsed once. None where there is no text."""
    return read_key_set(orjson.loads(text)) if text else ()


def _import(jwk: dict[str, Any]) -> RSAKey | ECKey:
    if jwk["kty"] == "EC":
        return ECKey.import_key(jwk)
    if int.from_bytes(urlsafe_b64decode(jwk["n"].encode()), "big").bit_length() not in _RSA_BITS:
        raise ValueError
    return RSAKey.import_key(jwk)


def _find(keys: Iterable[VerifyingKey], said: Unverified) -> VerifyingKey:
    named = [key for key in keys if key.kid == said.kid]
    if not named:
        raise BadToken("key-unknown")
    fitting = [key for key in named if said.algorithm in key.algorithms]
    if not fitting:
        raise BadToken("algorithm")
    return fitting[0]


def _signed_claims(token: str, key: VerifyingKey, algorithm: str) -> Mapping[str, Any]:
    try:
        return jwt.decode(token, key.key, registry=_registry(algorithm)).claims
    except (JoseError, ValueError, TypeError, RecursionError):
        raise BadToken("signature") from None


@lru_cache
def _registry(algorithm: str) -> JWSRegistry:
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = LONGEST_TOKEN
    return registry


def _check_times(claims: Mapping[str, Any], at: float) -> float:
    """When it expires."""
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or not all(_is_time(each) for each in times.values()):
        raise BadToken("times")
    if times["exp"] <= at - SKEW:
        raise BadToken("expired")
    if times["exp"] > at + LONGEST_LIFE + SKEW:
        raise BadToken("too-long")
    if max(times.get("nbf", at), times.get("iat", at)) > at + SKEW:
        raise BadToken("not-yet")
    return float(times["exp"])


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 <= value < 2**40


def _decoded(part: str) -> dict[str, Any]:
    try:
        decoded = orjson.loads(urlsafe_b64decode(part.encode()))
    except ValueError:  # of both: what is no base64, and what is no JSON
        raise BadToken("malformed") from None
    if not isinstance(decoded, dict):
        raise BadToken("malformed")
    return decoded
