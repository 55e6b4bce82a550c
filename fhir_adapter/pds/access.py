"""Where PDS is, and as whom we ask: read once from the settings, and refused where it would be unsafe.

`fhir_adapter.pds.client` opens with it. Source: NHS England, "Application-restricted RESTful APIs: signed JWT authentication".
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import RSAKey

from domain.errors import InvalidInput
from runtime.settings import Settings

_LEAST_BITS = 2048
_NEEDED = ("pds_token_url", "pds_api_key", "pds_key_id", "pds_private_key_file")


@dataclass(frozen=True, slots=True)
class PdsAccess:
    """`url` is the FHIR base without a slash at its end; `per_second` how many requests one process may start in a second."""

    url: str
    token_url: str
    api_key: str
    key_id: str
    private_key: RSAKey
    organisation: str = ""
    per_second: float = 5.0
    timeout_seconds: float = 10.0


def read_access(settings: Settings, *, is_production: bool) -> PdsAccess | None:
    """The access that is configured; None where PDS is not.

    Raises InvalidInput where a setting is missing, the key is none, or an address is not https: only a store for tests may ask
    a stand-in on loopback without it, and a production store asks nobody on loopback at all.
    """
    if not settings.pds_url:
        return None
    api_key = settings.pds_api_key.get_secret_value()
    given = (settings.pds_token_url, api_key, settings.pds_key_id, settings.pds_private_key_file)
    missing = [f"NIGHTLIGHT_{name.upper()}" for name, value in zip(_NEEDED, given, strict=True) if not value]
    if missing:
        raise InvalidInput(f"NIGHTLIGHT_PDS_URL is set, and {', '.join(missing)} is missing")
    for name, url in (("NIGHTLIGHT_PDS_URL", settings.pds_url), ("NIGHTLIGHT_PDS_TOKEN_URL", settings.pds_token_url)):
        check_address(name, url, is_production=is_production)
    return PdsAccess(
        settings.pds_url.rstrip("/"), settings.pds_token_url, api_key, settings.pds_key_id,
        read_private_key(Path(settings.pds_private_key_file)), settings.pds_organisation, settings.pds_per_second,
        settings.pds_timeout_seconds,
    )  # fmt: skip


def check_address(name: str, url: str, *, is_production: bool) -> None:
    """Raises InvalidInput for an address that must not be asked."""
    parts = urlsplit(url)
    on_loopback = _is_loopback(parts.hostname or "")
    if not parts.hostname or parts.query or parts.fragment or parts.username or parts.password:
        raise InvalidInput(f"{name} is no plain address such as https://…/personal-demographics/FHIR/R4")
    if on_loopback and is_production:
        raise InvalidInput(f"{name} is on this machine: a production store asks no stand-in")
    if parts.scheme != "https" and not (parts.scheme == "http" and on_loopback):
        raise InvalidInput(f"{name} must begin with https://")


def _is_loopback(host: str) -> bool:
    if host.casefold().rstrip(".") == "localhost" or host.casefold().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_private_key(path: Path) -> RSAKey:
    """The RSA key that is registered with NHS England, from a PEM file. Raises InvalidInput, OSError where it cannot be read."""
    content = path.read_bytes()
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidInput("NIGHTLIGHT_PDS_PRIVATE_KEY_FILE holds no private key in PEM, or one with a password") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise InvalidInput(f"NIGHTLIGHT_PDS_PRIVATE_KEY_FILE must hold an RSA key of {_LEAST_BITS} bits or more")
    return RSAKey.import_key(content)
