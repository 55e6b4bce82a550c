"""EHRs that may ask for cards (CDS Hooks): who they are, from where they look, and where their keys and their patients are.

`nightlight cds-client` writes; `fhir_adapter.cds_hooks` asks at every call. Each change has its audit event.
Source: CDS Hooks 2.0, "Trusting CDS Clients" (allow list of iss and jku).
"""

import time
from dataclasses import dataclass
from typing import LiteralString
from urllib.parse import urlsplit

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.database import Connection, Database
from runtime.shared_read import SharedRead

KEPT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class CdsClient:
    """One registered EHR of one organisation (ODS code).

    `site` is where it looks from, or None for the organisation's first of unscheduled care. `jku` is the address of its keys that
    its tokens may name; `key_set` (a JWK Set, JSON) has its keys where they are held here, and not fetched from there. `origins`
    are those of browsers that may call, `fhir_server` is the only one that may be asked for a patient. `info_card`: it wants a
    card where nothing is known, too.
    """

    issuer: str
    organisation_code: str
    site: str | None = None
    jku: str | None = None
    key_set: str | None = None
    origins: tuple[str, ...] = ()
    fhir_server: str | None = None
    info_card: bool = False
    enabled: bool = True


async def add_cds_client(transaction: Connection, actor: Actor, client: CdsClient) -> None:
    """Register an EHR. Addresses and keys are checked by whoever calls.

    Raises InvalidInput for what is no origin or a site of another organisation, NotFound where the organisation has no site,
    Conflict where the issuer is registered.
    """
    for origin in client.origins:
        check_origin(origin)
    sites = await transaction.execute("SELECT ods_code FROM sites WHERE organisation_code = %s", (client.organisation_code,))
    known = {code for (code,) in await sites.fetchall()}
    if not known:
        raise NotFound(f"organisation {client.organisation_code} has no site: add one first with nightlight site add")
    if client.site is not None and client.site not in known:
        raise InvalidInput(f"{client.site} is no site of organisation {client.organisation_code}")
    added = await transaction.execute(
        """
        INSERT INTO cds_clients (issuer, organisation_code, site, jku, keys, origins, fhir_server, info_card)
        VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (
            client.issuer, client.organisation_code, client.site, client.jku, client.key_set,
            list(client.origins), client.fhir_server, client.info_card,
        ),
    )  # fmt: skip
    if added.rowcount == 0:
        raise Conflict(f"an EHR {client.issuer} is registered already")
    await record_audit(
        transaction, actor, "cds-client.add", "cds-client", client.issuer, organisation=client.organisation_code, site=client.site,
        jku=client.jku, keys_held=client.key_set is not None, origins=" ".join(client.origins), fhir_server=client.fhir_server,
        info_card=client.info_card,
    )  # fmt: skip


def check_origin(origin: str) -> None:
    """Raises InvalidInput for what no browser would send as its origin (RFC 6454, section 6.1)."""
    parts = urlsplit(origin)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"})
    if not is_safe or not parts.hostname or origin != f"{parts.scheme}://{parts.netloc}".lower():
        raise InvalidInput("an origin is written like https://ehr.amber.example, in lower case and without a path")


async def exchange_keys(transaction: Connection, actor: Actor, issuer: str, jku: str | None, key_set: str | None) -> None:
    """Put keys in the place of those that an EHR has; the old ones are good no more, within a few seconds.

    Without an address the one that its tokens may name stays. Raises NotFound where the EHR is not registered.
    """
    await _change(
        transaction,
        "UPDATE cds_clients SET keys = %s::jsonb, jku = coalesce(%s, jku) WHERE issuer = %s",
        (key_set, jku, issuer),
        f"there is no EHR {issuer}",
    )
    await record_audit(transaction, actor, "cds-client.rotate", "cds-client", issuer, jku=jku, keys_held=key_set is not None)


async def disable_cds_client(transaction: Connection, actor: Actor, issuer: str) -> None:
    """Answer an EHR no more, within a few seconds. Raises NotFound where none is registered that is enabled."""
    await _change(
        transaction,
        "UPDATE cds_clients SET disabled_at = now() WHERE issuer = %s AND disabled_at IS NULL",
        (issuer,),
        f"there is no EHR {issuer}, or it is disabled already",
    )
    await record_audit(transaction, actor, "cds-client.disable", "cds-client", issuer)


async def enable_cds_client(transaction: Connection, actor: Actor, issuer: str) -> None:
    """Answer an EHR again, within a few seconds. Raises NotFound where none is registered that is disabled."""
    await _change(
        transaction,
        "UPDATE cds_clients SET disabled_at = NULL WHERE issuer = %s AND disabled_at IS NOT NULL",
        (issuer,),
        f"there is no EHR {issuer} that is disabled",
    )
    await record_audit(transaction, actor, "cds-client.enable", "cds-client", issuer)


async def _change(transaction: Connection, statement: LiteralString, values: tuple[object, ...], without: str) -> None:
    if (await transaction.execute(statement, values)).rowcount == 0:
        raise NotFound(without)


async def read_cds_clients(transaction: Connection) -> dict[str, CdsClient]:
    """Every registered EHR by its issuer, disabled or not."""
    cursor = await transaction.execute(
        """
        SELECT issuer, organisation_code, site, jku, keys::text, origins, fhir_server, info_card, disabled_at IS NULL
        FROM cds_clients ORDER BY issuer
        """
    )
    return {
        issuer: CdsClient(issuer, organisation, site, jku, key_set, tuple(origins), *rest)
        for issuer, organisation, site, jku, key_set, origins, *rest in await cursor.fetchall()
    }


class CdsClientReader:
    """Keeps the registered EHRs for a few seconds: disabling one is felt by every process after that."""

    def __init__(self, database: Database, kept_seconds: float = KEPT_SECONDS) -> None:
        self._database = database
        self._kept_seconds = kept_seconds
        self._good_until = 0.0
        self._clients: dict[str, CdsClient] = {}
        self._reading = SharedRead(self._read)

    async def find(self, issuer: str) -> CdsClient | None:
        """The EHR, if it is registered and enabled. Raises CouldNotReachStore."""
        return (await self._enabled()).get(issuer)

    async def knows_origin(self, origin: str) -> bool:
        """Whether some EHR's browsers call from there: as it was last known, where nobody can tell now."""
        try:
            clients = await self._enabled()
        except Exception:  # it decides who may read an answer, never what the answer is
            clients = self._clients
        return any(origin in client.origins for client in clients.values())

    async def _enabled(self) -> dict[str, CdsClient]:
        if time.monotonic() >= self._good_until:
            await self._reading.get()
        return self._clients

    async def _read(self) -> None:
        async with self._database.transaction() as transaction:
            clients = await read_cds_clients(transaction)
        self._clients = {issuer: client for issuer, client in clients.items() if client.enabled}
        self._good_until = time.monotonic() + self._kept_seconds
