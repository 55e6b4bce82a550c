"""How GOV.UK Notify is reached: read once from the settings, when the dispatcher starts.

`nightlight.processes.dispatcher` makes it for both channels; without a key, and without a channel's template, deliveries wait.
Source: docs.notifications.service.gov.uk/rest-api.html (API keys are {name}-{service id}-{secret}).
"""

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from domain.alert import ChannelName
from runtime.settings import Settings

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY: Final = re.compile(f"[ -~]*-({_UUID})-({_UUID})")
_TEMPLATE: Final = re.compile(_UUID)


@dataclass(frozen=True, slots=True)
class NotifyAccess:
    """The service's id and its secret, where Notify is, and the id of the template of each channel."""

    url: str
    service_id: str
    secret: str = field(repr=False)
    templates: Mapping[ChannelName, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "NotifyAccess | None":
        """None where there is no key. Raises ValueError, without the key, where a setting does not fit."""
        key = settings.notify_api_key.get_secret_value().strip()
        if not key:
            return None
        parts = _KEY.fullmatch(key)
        if parts is None:
            raise ValueError("NIGHTLIGHT_NOTIFY_API_KEY must be a whole key of GOV.UK Notify: name-service id-secret")
        if not _is_private(settings.notify_url):
            raise ValueError("NIGHTLIGHT_NOTIFY_URL must begin with https://")
        ids = {ChannelName.NOTIFY_EMAIL: settings.notify_email_template_id, ChannelName.SMS: settings.notify_sms_template_id}
        templates = {name: each.strip().lower() for name, each in ids.items() if each.strip()}
        if not all(map(_TEMPLATE.fullmatch, templates.values())):
            raise ValueError("NIGHTLIGHT_NOTIFY_EMAIL_TEMPLATE_ID and NIGHTLIGHT_NOTIFY_SMS_TEMPLATE_ID must be ids of templates")
        return cls(settings.notify_url.rstrip("/"), parts[1], parts[2], templates)


def _is_private(url: str) -> bool:
    """Whether nobody can read along: TLS, or this very machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return True
    with suppress(ValueError):
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    return False
