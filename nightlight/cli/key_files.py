"""Files of public keys that an operator is given: a JWK, a JWK Set, or PEM. `nightlight client` reads them.

Bytes come in, JWKs go out. A private key is refused: only its owner may have it. Sources: RFC 7517, RFC 7638, RFC 7468.
"""

from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from domain.errors import InvalidInput
from runtime.jwks import public_key


def read_key_file(content: bytes, kid: str | None = None) -> list[dict[str, Any]]:
    """The public keys in a file. `kid` names the only key; without it, its own id, or its thumbprint (RFC 7638).

    Raises InvalidInput where there is none, and for one that may not verify tokens.
    """
    jwks = _from_pem(content) if b"-----BEGIN" in content else _from_json(content)
    if kid and len(jwks) != 1:
        raise InvalidInput("an id (kid) can be given to one key alone: the file holds several")
    named = [{**jwk, "kid": kid or jwk.get("kid") or _thumbprint(jwk)} for jwk in jwks]
    for jwk in named:
        public_key(jwk)
    if len({jwk["kid"] for jwk in named}) != len(named):
        raise InvalidInput("two keys in the file have the same id (kid)")
    return named


def _from_pem(content: bytes) -> list[dict[str, Any]]:
    if b"PRIVATE KEY-----" in content:
        raise InvalidInput("the file holds a private key: register the public half, and leave the private one with its owner")
    for kind in (RSAKey, ECKey):
        try:
            return [dict(kind.import_key(content).as_dict(private=False))]
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
    raise InvalidInput("the file holds no public key: PEM that begins with BEGIN PUBLIC KEY, a JWK, or a JWK Set")


def _from_json(content: bytes) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(content)
    except ValueError:
        document = None
    listed = document.get("keys", [document]) if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(jwk, dict) for jwk in listed):
        raise InvalidInput("the file holds no public key: PEM that begins with BEGIN PUBLIC KEY, a JWK, or a JWK Set")
    return listed


def _thumbprint(jwk: dict[str, Any]) -> str:
    for kind in (RSAKey, ECKey):
        try:
            return kind.import_key(jwk).thumbprint()
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return ""
