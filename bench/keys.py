"""The keys by which the bench's clients sign, and what they sign: made for the run, registered with the service by `world`.

Assertions and tokens are made before the load begins, so that what signing costs falls on nobody who is measured.
"""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

ALGORITHM = "ES384"
_LIFE_SECONDS = 280


def new_key() -> ECKey:
    """A key on P-384."""
    return ECKey.generate_key("P-384", parameters={"kid": uuid4().hex, "use": "sig", "alg": ALGORITHM}, private=True)


def public_half(key: ECKey) -> dict[str, Any]:
    """What is registered of it (JWK)."""
    return dict(key.as_dict(private=False))


def signed(private_key: dict[str, Any], issuer: str, audience: str, count: int) -> Iterator[str]:
    """So many tokens of an issuer for an audience, each with an id of its own."""
    key, at = ECKey.import_key(private_key), int(time.time())
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": str(key.kid)}
    for _ in range(count):
        claims = {"iss": issuer, "sub": issuer, "aud": audience, "iat": at, "exp": at + _LIFE_SECONDS, "jti": uuid4().hex}
        yield jwt.encode(header, claims, key, algorithms=[ALGORITHM])
