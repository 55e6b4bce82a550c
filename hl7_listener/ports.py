"""The listeners of a service, one for each port, as the settings or the file NIGHTLIGHT_MLLP_LISTENERS name them.

The supervisor binds their sockets, the listener process serves them, the health check knocks at them.
Source: docs/hl7.md, "Several listeners".
"""

import ipaddress
import tomllib
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import InvalidInput
from hl7_listener.tls import TlsFiles
from runtime.settings import Settings

PLAIN = "plain"
_LIMITS = (
    "max_frame_bytes", "max_connections", "max_connections_per_peer", "idle_seconds", "frame_seconds", "handshake_seconds",
)  # fmt: skip


class Port(BaseModel):
    """One listener: where it listens, how it is secured, what it takes on. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    address: str
    any_address: bool = False
    certificate_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    client_certificates: Literal["required", "optional"] = "required"
    minimum_tls: Literal["1.2", "1.3"] = "1.2"
    charset: str = ""
    max_frame_bytes: int = Field(ge=1024)
    max_connections: int = Field(ge=1)
    max_connections_per_peer: int = Field(ge=1)
    idle_seconds: float = Field(gt=0)
    frame_seconds: float = Field(gt=0)
    handshake_seconds: float = Field(gt=0)

    @model_validator(mode="after")
    def _files_go_together(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("a certificate file and a key file belong together")
        if self.client_ca_file is not None and self.certificate_file is None:
            raise ValueError("a client CA file needs a certificate file and a key file")
        if self.client_certificates == "optional" and self.client_ca_file is None:
            raise ValueError("optional client certificates need a client CA file: without it none is asked for")
        if self.minimum_tls != "1.2" and self.certificate_file is None:
            raise ValueError("a lowest version of TLS needs a certificate file and a key file")
        return self

    @property
    def socket_name(self) -> str:
        """By which the supervisor hands its socket down: NIGHTLIGHT_MLLP_FD for the plain one of the settings."""
        return "mllp" if self.name == PLAIN else f"mllp_{self.name.replace('-', '_')}"

    @property
    def tls(self) -> TlsFiles | None:
        """The files of its TLS; None for a plain listener."""
        if self.certificate_file is None or self.key_file is None:
            return None
        optional, only_1_3 = self.client_certificates == "optional", self.minimum_tls == "1.3"
        return TlsFiles(self.certificate_file, self.key_file, self.client_ca_file, optional, only_1_3)

    def check_address(self, host: str) -> None:
        """Raises InvalidInput where a listener without TLS would be reachable from elsewhere. `host` is the bound one."""
        if self.tls is None and not self.any_address and not ipaddress.ip_address(host).is_loopback:
            raise InvalidInput(
                f"listener {self.name}: without TLS it binds to loopback only; "
                "give it a certificate, or set NIGHTLIGHT_MLLP_ANY_ADDRESS=true (any_address = true in the listeners' file)"
            )


def read_ports(settings: Settings) -> tuple[Port, ...]:
    """Every listener, at least one, in their order. Raises InvalidInput where the settings or the file do not fit."""
    if settings.mllp_listeners:
        return _from_file(Path(settings.mllp_listeners), settings)
    ports = [_port({"name": PLAIN, "address": settings.mllp}, settings)]
    files = {
        "certificate_file": settings.mllp_tls_certificate_file or None,
        "key_file": settings.mllp_tls_key_file or None,
        "client_ca_file": settings.mllp_tls_client_ca_file or None,
    }
    if any(files.values()):
        ports.append(_port({"name": "tls", "address": settings.mllp_tls, **files}, settings))
    return tuple(ports)


def plain_one(ports: tuple[Port, ...]) -> Port:
    """The one that takes messages without TLS, for this machine's own tools; the first where none does."""
    return next((port for port in ports if port.tls is None), ports[0])


def _from_file(path: Path, settings: Settings) -> tuple[Port, ...]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"NIGHTLIGHT_MLLP_LISTENERS cannot be read: {error}") from None
    listeners = content.pop("listener", None)
    if content or not isinstance(listeners, list) or not listeners or not all(isinstance(each, dict) for each in listeners):
        raise InvalidInput("NIGHTLIGHT_MLLP_LISTENERS: the file holds [[listener]] tables, at least one, and nothing else")
    ports = tuple(_port(_beside(path, each), settings) for each in listeners)
    for what in ("name", "address"):
        values = [getattr(port, what) for port in ports if what == "name" or not port.address.endswith(":0")]
        if len(set(values)) < len(values):
            raise InvalidInput(f"NIGHTLIGHT_MLLP_LISTENERS: two listeners have the same {what}")
    return ports


def _beside(path: Path, listener: dict[str, Any]) -> dict[str, Any]:
    """A file's name without a folder means a file beside the listeners' file."""
    return {
        key: path.parent / value if key.endswith("_file") and isinstance(value, str) else value for key, value in listener.items()
    }


def _port(given: dict[str, Any], settings: Settings) -> Port:
    usual = {name: getattr(settings, f"mllp_{name}") for name in _LIMITS}
    usual |= {"any_address": settings.mllp_any_address, "charset": settings.default_charset}
    try:
        return Port.model_validate({**usual, **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"listener {given.get('name', '?')}: {f'{where}: ' if where else ''}{first['msg']}") from None
