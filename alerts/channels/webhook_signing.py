"""Signatures of webhooks: the receiver knows that a notice is ours, when this attempt was made, and that nothing was changed.

`alerts.channels.webhook` signs each attempt; `safeguarding.telling.webhooks` shows a secret to the authority once.
Source: Standard Webhooks 1.0 (webhook-id, webhook-timestamp, webhook-signature; symmetric signatures, v1); docs/adr/0043.
"""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

OVERLAP = timedelta(hours=24)
"""For so long after a renewal each notice is signed with the old secret as well."""

TOLERANCE = timedelta(minutes=5)
"""A receiver refuses a notice whose timestamp is further from its own clock."""

_PREFIX = "whsec_"


def secret_of(key: bytes, webhook_id: UUID, renewals: int) -> bytes:
    """The secret (32 bytes) of a webhook after so many renewals: it follows from the service's key, and is kept nowhere."""
    return hmac.digest(key, f"nightlight webhook {webhook_id} {renewals}".encode(), "sha256")


def written(secret: bytes) -> str:
    """The secret as libraries for Standard Webhooks take it."""
    return _PREFIX + base64.b64encode(secret).decode()


def good_secrets(key: bytes, webhook_id: UUID, renewals: int, renewed_at: datetime | None, at: datetime) -> list[bytes]:
    """The secrets with which a notice is signed now, the newest first."""
    secrets = [secret_of(key, webhook_id, renewals)]
    if renewals and renewed_at is not None and at < renewed_at + OVERLAP:
        secrets.append(secret_of(key, webhook_id, renewals - 1))
    return secrets


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature of a notice: `timestamp` is the Unix time of the attempt in seconds."""
    signed = hmac.digest(secret, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def signed_headers(secrets: Sequence[bytes], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers by which a receiver verifies a notice, and makes its repeats one."""
    timestamp = int(at.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }
