"""The service's one secret key: signs tokens, and keys the hash that stands for an NHS number nobody has a flag for.

From NIGHTLIGHT_SECRET_KEY, or made once in the data folder (0600).
"""

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from domain.nhs_number import NhsNumber
from runtime.settings import Settings

_SHORTEST = 32


def secret_key(settings: Settings) -> bytes:
    """The key; the same for every process of one service. Raises ValueError where the one given is too short."""
    given = settings.secret_key.get_secret_value()
    if given:
        if len(given) < _SHORTEST:
            raise ValueError(f"NIGHTLIGHT_SECRET_KEY must have {_SHORTEST} characters or more")
        return given.encode()
    return _kept_key(settings.data_dir / "secret.key")


def _kept_key(path: Path) -> bytes:
    """The key in the file, which appears whole or not at all: several processes may make it at once."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_SHORTEST).encode())
        with suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_bytes().strip()


def number_hash(key: bytes, number: NhsNumber) -> bytes:
    """A keyed hash (HMAC-SHA-256): the audit of a look that found nothing, without keeping who it was about."""
    return hmac.digest(key, number.encode(), "sha256")
