"""Outbound feeds: which site's own system is told, where it listens, and who declared that patients are not shown what it gets.

`nightlight site outbound` sets them; `hl7_listener.outbound` reads what one delivery is about; the directory knows who is told.
Source: docs/hl7.md, "Back into the hospital".
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from alerts.hospital import from_column, withdraw_from_hospital
from domain.actor import Actor
from domain.alert import AlertEvent
from domain.channel import HospitalPatient
from domain.errors import InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection, Transaction

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8")
SHORTEST_DECLARATION = 10


@dataclass(frozen=True, slots=True)
class OutboundFeed:
    """Where a site's own system listens, and how it wants its messages (MSH-5, MSH-6, MSH-12, MSH-18, PID-3.4)."""

    site: str
    host: str
    port: int
    tls: bool
    receiving_application: str
    receiving_facility: str
    local_authority: str
    version: str
    character_set: str


@dataclass(frozen=True, slots=True)
class DeclaredFeed:
    """A feed as people read it: with the declaration, and how many deliveries wait for it."""

    site: str
    host: str
    port: int
    tls: bool
    version: str
    declaration: str
    declared_at: datetime
    declared_to: str
    switched_off_at: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """How many deliveries a person ended; `corrections` of them would have said that a result was another patient's."""

    count: int
    corrections: int


@dataclass(frozen=True, slots=True)
class Outbound:
    """What one delivery tells a hospital. `at` is when it was to be told, `raised_at` when its alert was raised."""

    feed: OutboundFeed
    is_on: bool
    is_production: bool
    alert_id: UUID
    encounter_id: UUID
    patient: HospitalPatient
    event: AlertEvent | None
    """None for the alert itself."""
    raised_at: datetime
    at: datetime


async def set_outbound(transaction: Transaction, actor: Actor, feed: OutboundFeed, declaration: str) -> None:
    """Tell a site's own system from now on. `declaration`: who declared that patients are not shown these results, and where.

    Raises InvalidInput without a declaration or for what no message can be made of, NotFound for an unknown site.
    """
    if len(declaration.strip()) < SHORTEST_DECLARATION:
        raise InvalidInput(
            "say with --not-released who declared that these results are not released to patients, and where that is written: "
            "a parent who reads them in an app learns of the alert"
        )
    if feed.version not in VERSIONS:
        raise InvalidInput(f"{feed.version} is not a version that can be sent: {', '.join(VERSIONS)}")
    if not feed.host or not 1 <= feed.port <= 65535:
        raise InvalidInput("say where the hospital's engine listens, such as engine.amber.example:2576")
    known = await transaction.execute("SELECT 1 FROM sites WHERE ods_code = %s", (feed.site,))
    if await known.fetchone() is None:
        raise NotFound(f"there is no site {feed.site}: add it first with nightlight site add")
    await transaction.execute(_SET, {**asdict(feed), "declaration": declaration.strip(), "at": now(), "by": actor.name})
    settings = {name: value for name, value in asdict(feed).items() if name != "site"}
    await record_audit(transaction, actor, "site.outbound", "site", feed.site, declaration=declaration.strip(), **settings)


_SET = """
    INSERT INTO outbound_feeds (site, host, port, tls, receiving_application, receiving_facility, local_authority, version,
                                character_set, declaration, declared_at, declared_to)
    VALUES (%(site)s, %(host)s, %(port)s, %(tls)s, %(receiving_application)s, %(receiving_facility)s, %(local_authority)s,
            %(version)s, %(character_set)s, %(declaration)s, %(at)s, %(by)s)
    ON CONFLICT (site) DO UPDATE
    SET host = excluded.host, port = excluded.port, tls = excluded.tls, receiving_application = excluded.receiving_application,
        receiving_facility = excluded.receiving_facility, local_authority = excluded.local_authority, version = excluded.version,
        character_set = excluded.character_set, declaration = excluded.declaration, declared_at = excluded.declared_at,
        declared_to = excluded.declared_to, switched_off_at = NULL
"""


async def switch_off(transaction: Connection, actor: Actor, site: str) -> int:
    """Tell a site's own system no more. Returns how many deliveries wait until it is on again. Raises NotFound."""
    off = await transaction.execute(
        "UPDATE outbound_feeds SET switched_off_at = now() WHERE site = %s AND switched_off_at IS NULL RETURNING site", (site,)
    )
    if await off.fetchone() is None:
        raise NotFound(f"nothing is sent to site {site} as it is")
    (feed,) = await read_feeds(transaction, site)
    await record_audit(transaction, actor, "site.outbound-off", "site", site, waiting=feed.waiting)
    return feed.waiting


async def withdraw_waiting(transaction: Connection, actor: Actor, site: str, reason: str) -> Withdrawn:
    """End what waits for the system of a site that is switched off and shall never be told: each has its audit event.

    An attempt that is under way may still tell: then it counts as told. Raises InvalidInput without a reason, NotFound where
    there is no feed that is switched off.
    """
    if len(reason.strip()) < SHORTEST_DECLARATION:
        raise InvalidInput("say with --drop-waiting why the site's system shall never be told what waits")
    off = await transaction.execute(
        "SELECT 1 FROM outbound_feeds WHERE site = %s AND switched_off_at IS NOT NULL FOR UPDATE", (site,)
    )
    if await off.fetchone() is None:
        raise NotFound(f"no feed to site {site} is switched off")
    deliveries = await withdraw_from_hospital(transaction, site)
    for delivery_id, notice in deliveries:
        await record_audit(
            transaction, actor, "delivery.withdraw", "delivery", str(delivery_id), notice=notice, reason=reason.strip()
        )
    corrections = sum(_event_of(notice) is AlertEvent.WRONG_IDENTITY for _, notice in deliveries)
    return Withdrawn(len(deliveries), corrections)


async def read_feeds(transaction: Connection, site: str | None = None) -> list[DeclaredFeed]:
    """Every outbound feed by site, or the one of a site, switched off or not."""
    cursor = await transaction.execute(
        """
        SELECT site, host, port, tls, version, declaration, declared_at, declared_to, switched_off_at,
               (SELECT count(*) FROM deliveries d WHERE d.channel = 'hl7' AND d.state = 'pending' AND d.recipient = site) AS waiting
        FROM outbound_feeds WHERE %s::text IS NULL OR site = %s ORDER BY site
        """,
        (site, site),
    )
    return [DeclaredFeed(*row) for row in await cursor.fetchall()]


async def hospital_of_encounter(transaction: Transaction, encounter_id: UUID) -> HospitalPatient | None:
    """Whom the encounter's hospital is told about in its own system, or None where it is not told so."""
    cursor = await transaction.execute(
        """
        SELECT e.site, coalesce(e.nhs_number, ''), coalesce(e.local_number, ''), e.reference
        FROM encounters e JOIN outbound_feeds b ON b.site = e.site AND b.switched_off_at IS NULL
        WHERE e.id = %s
        """,
        (encounter_id,),
    )
    row = await cursor.fetchone()
    return None if row is None else HospitalPatient(*row)


async def read_outbound(transaction: Transaction, delivery_id: UUID) -> Outbound:
    """All that a delivery to a hospital is made of. Raises LookupError where there is no such delivery."""
    cursor = await transaction.execute(
        """
        SELECT b.site, b.host, b.port, b.tls, b.receiving_application, b.receiving_facility, b.local_authority, b.version,
               b.character_set, b.switched_off_at IS NULL, (SELECT kind = 'production' FROM store),
               a.id, a.encounter_id, d.recipient, d.patient, d.notice, a.raised_at, d.created_at
        FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN outbound_feeds b ON b.site = d.recipient
        WHERE d.id = %s AND d.channel = 'hl7'
        """,
        (delivery_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("a delivery without a feed")
    *feed, is_on, is_production, alert_id, encounter_id, site, patient, notice, raised_at, at = row
    return Outbound(
        OutboundFeed(*feed), is_on, bool(is_production), alert_id, encounter_id, from_column(site, patient), _event_of(notice),
        raised_at, at,
    )  # fmt: skip


def _event_of(notice: str) -> AlertEvent | None:
    """A notice is "raised", or an event with a number behind it where it has happened before."""
    word = notice.partition(" ")[0]
    return None if word == "raised" else AlertEvent(word)
