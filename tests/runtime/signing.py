"""Keys of invented systems, and the tokens that they sign: good ones, unless a test says what is wrong with them."""

import hmac
import time
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64encode


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair of one algorithm."""

    algorithm: str
    key: RSAKey | ECKey
    kid: str

    def public(self, **changes: Any) -> dict[str, Any]:
        """Its public JWK; None takes a member away."""
        return _changed({**self.key.as_dict(private=False), "kid": self.kid, "alg": self.algorithm, "use": "sig"}, changes)

    @property
    def pem(self) -> bytes:
        return self.key.as_pem(private=False)

    def sign(self, claims: dict[str, Any], algorithm: str | None = None, **header: Any) -> str:
        """A token as it is said, sense or nonsense."""
        algorithm = algorithm or self.algorithm
        protected = _changed({"alg": algorithm, "kid": self.kid, "typ": "JWT"}, header)
        message = b".".join(_encoded(part) for part in (protected, claims))
        signature = jws.JWSRegistry.algorithms[algorithm].sign(message, self.key)
        return (message + b"." + _text(signature)).decode()


def with_secret(secret: bytes, algorithm: str, kid: str, claims: dict[str, Any]) -> str:
    """A token that is keyed with a secret, such as somebody's public key."""
    header = {"alg": algorithm, "kid": kid, "typ": "JWT"}
    message = b".".join(_encoded(part) for part in (header, claims))
    return (message + b"." + _text(hmac.digest(secret, message, f"sha{algorithm[2:]}"))).decode()


def unsigned(claims: dict[str, Any], kid: str) -> str:
    """A token with the algorithm `none`."""
    return b".".join([_encoded({"alg": "none", "kid": kid, "typ": "JWT"}), _encoded(claims), b""]).decode()


def claims_of(client: str, audience: str, **changes: Any) -> dict[str, Any]:
    """Those of a good assertion; None takes one away."""
    at = int(time.time())
    usual = {"iss": client, "sub": client, "aud": audience, "iat": at, "exp": at + 240, "jti": str(uuid.uuid4())}
    return _changed(usual, changes)


@lru_cache
def signer(algorithm: str, kid: str = "key-1") -> Signer:
    """A key pair, made once for each algorithm and id."""
    made = ECKey.generate_key("P-384") if algorithm == "ES384" else RSAKey.generate_key(2048)
    return Signer(algorithm, made, kid)


def _changed(usual: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def _encoded(part: dict[str, Any]) -> bytes:
    return _text(orjson.dumps(part))


def _text(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw)
