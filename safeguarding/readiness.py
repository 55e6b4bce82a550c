"""How the service is, proven by its traffic: what `/ready` shows and `/metrics` measures. No patient is in it.

`api.health` asks. Source: docs/architecture.md, "Health is proven by traffic, not by state".
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg.errors import UndefinedTable

from alerts.waiting import oldest_undelivered
from runtime.clock import now
from runtime.database import Connection
from runtime.heartbeat import Beat, read_beats
from safeguarding.certificates import ListenerCertificate, PeerCertificate, read_certificates, read_peer_certificates
from safeguarding.directory import Directory
from safeguarding.onboarding.agreements import RunningOut, agreements_running_out
from safeguarding.quarantine_views import oldest_held
from safeguarding.trace_wants import oldest_wanted


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the store knows about the running service. `revision` is None where nothing was ever migrated."""

    revision: str | None
    beats: tuple[Beat, ...]
    last_message: dict[str, datetime | None]
    last_extract: dict[str, datetime | None]
    oldest_undelivered: datetime | None
    oldest_quarantined: datetime | None
    oldest_untraced: datetime | None = None
    """Since when the oldest arrival without a number has waited to be asked for."""
    certificates: tuple[ListenerCertificate, ...] = ()
    peer_certificates: tuple[PeerCertificate, ...] = ()
    agreements: tuple[RunningOut, ...] = ()
    """Those that run out within 60 days or have run out, with nothing after them."""


async def read_revision(transaction: Connection) -> str | None:
    """The revision at which the database stands, or None where it was never migrated."""
    try:
        row = await (await transaction.execute("SELECT version_num FROM alembic_version")).fetchone()
    except UndefinedTable:
        return None
    return str(row[0]) if row else None


async def read_readiness(transaction: Connection, directory: Directory) -> Readiness:
    """The newest signs of life: of the processes, of each site's feed, of each authority's extracts, of what waits;
    and the certificates of the HL7 listeners and their peers."""
    cursor = await transaction.execute("SELECT site, last_message_at FROM site_feeds")
    feeds: dict[str, datetime] = dict(await cursor.fetchall())
    return Readiness(
        revision=await read_revision(transaction),
        beats=tuple(await read_beats(transaction)),
        last_message={site: feeds.get(site) for site in sorted(directory.sites)},
        last_extract={code: authority.last_extracted_at for code, authority in sorted(directory.authorities.items())},
        oldest_undelivered=await oldest_undelivered(transaction),
        oldest_quarantined=await oldest_held(transaction),
        oldest_untraced=await oldest_wanted(transaction),
        certificates=await read_certificates(transaction),
        peer_certificates=await read_peer_certificates(transaction),
        agreements=tuple(await agreements_running_out(transaction, now())),
    )
