"""Where our MESH mailbox is and how it is opened: read once from the settings, and refused where it would be unsafe.

`nightlight.processes.mesh` reads it; `mesh_mailbox.client` opens with it.
Source: NHS England, MESH API (mutual TLS, a shared key, a password for each mailbox); docs/authority/hl7-v3-and-mesh.md.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.errors import InvalidInput
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Workflows:
    """The workflow ids by which MESH tells kinds of messages apart. `upload` may be several."""

    upload: tuple[str, ...]
    response: str
    notification: str
    inactive: str


@dataclass(frozen=True, slots=True)
class MeshAccess:
    """How one mailbox is opened. Empty file names: no certificate of ours, and the certification authorities that MESH names."""

    url: str
    mailbox: str
    password: str
    shared_key: str
    workflows: Workflows
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    poll_seconds: float = 60.0
    timeout_seconds: float = 30.0
    largest: int = 200_000_000

    def __repr__(self) -> str:
        return f"MeshAccess({self.mailbox})"  # no secret in a traceback


def read_access(settings: Settings, *, is_production: bool) -> MeshAccess | None:
    """The mailbox that is configured; None where there is none.

    Raises InvalidInput where a setting is missing, or the address is not https with a client's certificate: only a store for
    tests may use a stand-in on loopback without.
    """
    if not settings.mesh_url:
        return None
    password, shared_key = settings.mesh_password.get_secret_value(), settings.mesh_shared_key.get_secret_value()
    needed = {"MESH_MAILBOX": settings.mesh_mailbox, "MESH_PASSWORD": password, "MESH_SHARED_KEY": shared_key}
    missing = [f"NIGHTLIGHT_{name}" for name, value in needed.items() if not value]
    if missing:
        raise InvalidInput(f"NIGHTLIGHT_MESH_URL is set, and {', '.join(missing)} is missing")
    _check_address(settings.mesh_url, is_production=is_production)
    files = (settings.mesh_certificate_file, settings.mesh_key_file)
    if any(files) != all(files):
        raise InvalidInput("NIGHTLIGHT_MESH_CERTIFICATE_FILE and NIGHTLIGHT_MESH_KEY_FILE go together")
    if is_production and not all(files):
        raise InvalidInput("MESH needs a client's certificate: NIGHTLIGHT_MESH_CERTIFICATE_FILE is missing")
    return MeshAccess(
        settings.mesh_url.rstrip("/"), settings.mesh_mailbox, password, shared_key, _workflows(settings), settings.mesh_ca_file,
        *files, settings.mesh_poll_seconds, settings.mesh_timeout_seconds, settings.upload_max_bytes,
    )  # fmt: skip


def _workflows(settings: Settings) -> Workflows:
    uploads = tuple(filter(None, (each.strip() for each in settings.mesh_workflow_upload.split(","))))
    return Workflows(uploads, settings.mesh_workflow_response, settings.mesh_workflow_notification, settings.mesh_workflow_inactive)


def _check_address(url: str, *, is_production: bool) -> None:
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or parts.username or parts.password:
        raise InvalidInput("NIGHTLIGHT_MESH_URL is no plain address such as https://msg.intspineservices.nhs.uk")
    on_loopback = _is_loopback(parts.hostname)
    if is_production and on_loopback:
        raise InvalidInput("NIGHTLIGHT_MESH_URL is on this machine: a production store uses no stand-in")
    if parts.scheme != "https" and not (parts.scheme == "http" and on_loopback):
        raise InvalidInput("NIGHTLIGHT_MESH_URL must begin with https://")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold().rstrip(".") == "localhost"
