"""The MESH client of NHS England, which blocks: every call runs in a thread, and every failure comes back as one of two kinds.

`inbox`, `outbox` and `channel` open one for a round or a message: a certificate that was renewed is used at once.
Source: `mesh-client` 5; docs/adr/0034.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

import requests
import urllib3
from mesh_client import MeshClient, MeshError

from domain.errors import NightlightError, Temporary
from mesh_mailbox.access import MeshAccess

P = ParamSpec("P")
T = TypeVar("T")


class MeshAway(Temporary):
    """MESH does not answer, or not as it should: the same again later."""


class MeshRefused(NightlightError):
    """MESH answered, and refuses this one message; `code` is a short code of ours."""

    def __init__(self, code: str) -> None:
        super().__init__(f"MESH refuses a message ({code})")
        self.code = code


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes with a message. `local_id`: how its receiver makes repeats one."""

    workflow_id: str
    local_id: str
    subject: str
    filename: str


@asynccontextmanager
async def open_mailbox(access: MeshAccess) -> AsyncIterator["Mailbox"]:
    """The mailbox, until the block ends. Raises MeshAway where a certificate or key cannot be read."""
    client = await _in_thread(_client, access)
    try:
        yield Mailbox(client)
    finally:
        await asyncio.to_thread(client.close)


class Mailbox:
    """One mailbox, for one task at a time."""

    def __init__(self, client: MeshClient) -> None:
        self._client = client

    async def list_messages(self, most: int) -> list[str]:
        """The ids of what waits, oldest first. Raises MeshAway."""
        return await _in_thread(self._list, most)

    def _list(self, most: int) -> list[str]:
        found: list[str] = []
        for message_id in self._client.iterate_message_ids():
            found.append(message_id)
            if len(found) == most:
                break
        return found

    async def retrieve(self, message_id: str) -> Any:
        """A message with its headers; its content is read from it piece by piece. Raises MeshAway, MeshRefused."""
        return await _in_thread(self._client.retrieve_message, message_id)

    async def acknowledge(self, message_id: str) -> None:
        """MESH forgets the message. Raises MeshAway, MeshRefused."""
        await _in_thread(self._client.acknowledge_message, message_id)

    async def send(self, recipient: str, content: Any, sent: Sent) -> str:
        """Send bytes or an open file, and return the id that MESH gives it. Raises MeshAway, MeshRefused."""
        return await _in_thread(self._send, recipient, content, sent)

    def _send(self, recipient: str, content: Any, sent: Sent) -> str:
        return self._client.send_message(
            recipient, content, compress=True, workflow_id=sent.workflow_id, local_id=sent.local_id, subject=sent.subject,
            filename=sent.filename, content_type="application/xml",
        )  # fmt: skip


async def read_piece(message: Any, size: int) -> bytes:
    """The next bytes of a message; none at its end. Raises MeshAway where it breaks off."""
    piece: bytes = await _in_thread(message.read, size)
    return piece


def _client(access: MeshAccess) -> MeshClient:
    _check_files(access)
    certificate = (access.certificate_file, access.key_file) if access.certificate_file else None
    return MeshClient(
        access.url, access.mailbox, access.password, shared_key=access.shared_key.encode(), cert=certificate,
        verify=access.ca_file or None, max_retries=0, timeout=access.timeout_seconds, application_name="Nightlight",
    )  # fmt: skip


def _check_files(access: MeshAccess) -> None:
    """Raises OSError (ssl.SSLError is one) for files that are no use: the client would be left half made, and say so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if access.certificate_file:
        context.load_cert_chain(access.certificate_file, access.key_file)
    if access.ca_file:
        context.load_verify_locations(access.ca_file)


async def _in_thread(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Beside the event loop; never left running by a cancellation, for the client is closed next."""
    task = asyncio.ensure_future(asyncio.to_thread(_translated, lambda: work(*arguments, **named)))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _translated(work: Callable[[], T]) -> T:
    """What the libraries raise carries addresses and answers; what is raised here carries neither."""
    try:
        return work()
    except MeshError:
        raise MeshRefused("mesh-refused") from None
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS} or status == 0:
            raise MeshAway(f"MESH answers {status}") from None
        raise MeshRefused(f"http-{status}") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        raise MeshAway("MESH does not answer") from None
