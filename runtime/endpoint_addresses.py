"""Which addresses Nightlight may call: the pure half of `runtime.endpoints`, which asks here before it connects.

A registered URL becomes a Target, or is refused in words for the operator; each address that its name stands for is judged.
Sources: RFC 6890 and IANA's registries of special-purpose addresses; RFC 6052 (IPv4 within IPv6).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from domain.errors import InvalidInput

LONGEST_URL = 2048
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_TRANSLATED = IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"[a-z0-9_.-]+|[0-9a-f:.]+")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is in lower case, an IPv6 address without its brackets; `path` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def names(self) -> tuple[str, str]:
        """How a list may name it: the host, or the host and the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host, f"{host}:{self.port}"


def parse_target(url: str) -> Target:
    """Take a URL apart. Raises InvalidInput for what is no plain http or https address; the URL is not quoted."""
    if len(url) > LONGEST_URL or not url.isascii() or any(character <= " " or character in "\x7f\\" for character in url):
        raise InvalidInput("an address is an URL in ASCII, without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput("an address is an URL such as https://host.example/path") from None
    host = (host or "").rstrip(".")
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise InvalidInput("an address begins with https:// and names a host")
    if "@" in parts.netloc or "#" in url:
        raise InvalidInput("an address has no user, no password and no fragment")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, path)


def parse_listed(text: str) -> frozenset[str]:
    """A list such as "ehr.hospital.example, 127.0.0.1:9000, [::1]:9000", as NIGHTLIGHT_PRIVATE_ENDPOINTS has it."""
    return frozenset(name.strip().lower() for name in text.split(",") if name.strip())


def refusal(target: Target, addresses: Iterable[str], listed: frozenset[str]) -> str:
    """The code of why a target may not be called at the addresses that its name stands for, or nothing where it may.

    One address that may not be called spoils all: a public name that also stands for a private address is no mistake of ours.
    """
    known = [ip_address(address) for address in addresses]
    is_listed = not listed.isdisjoint(target.names)
    if target.scheme != "https" and not (is_listed and all(address.is_loopback for address in known)):
        return "not-https"
    return "" if is_listed or all(is_public(address) for address in known) else "private-address"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it belongs to somebody on the Internet: not private, loopback, link-local, shared, multicast or reserved."""
    if isinstance(address, IPv4Address):
        return address.is_global and not (address.is_multicast or address.is_reserved)
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    return address in _GLOBAL_IPV6 and address.is_global


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to, where it leads to one."""
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
