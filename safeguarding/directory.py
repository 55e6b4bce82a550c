"""The directory: sites with their rules, peers, authorities, as one frozen value that is read anew every few seconds.

Doors ask it who may speak for whom; answers take their coverage from it. Flags are never in it.
"""

import ipaddress
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import psycopg

from alerts.routing.store import read_kept
from domain.answer import Coverage, Feed
from domain.care_setting import CareSetting
from domain.channel import HospitalPatient
from domain.encounter import Encounter
from domain.errors import CouldNotReachStore, NotSpeakingFor
from domain.routing import Routing
from flags_store.authorities import Authority, read_authorities
from runtime.clock import now
from runtime.database import Database, Transaction
from runtime.logs import get_logger
from runtime.shared_read import SharedRead
from safeguarding.telling.routings import routing_of

KEPT_SECONDS = 3.0
FEED_LIVE = timedelta(hours=24)
LIVE = "live"

log = get_logger()

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class CareSettingRule:
    """A rule of a site: what it names must all fit (an empty condition fits anything); the first rule that fits decides."""

    patient_classes: frozenset[str]
    admission_methods: frozenset[str]
    treatment_functions: frozenset[str]
    location_prefix: str
    setting: CareSetting


@dataclass(frozen=True, slots=True)
class Site:
    """A hospital site or service.

    `feed_live`: it has told of attendances within a day; then a lookup alone tells nobody, unless `lookups_alert`.
    How its messages are answered: `announce_in_ack`, `refuse_recycled` (control IDs), `silent_on_failure` (of ours).
    `character_set` is the name by which HL7 knows the one of messages that name none; empty where the listener's own holds.
    `is_told`: its own system is told that there is something to open (`safeguarding.outbound`).
    `state`: setting-up, trial, live or paused; what it means to its checks is in `safeguarding.site_states`.
    """

    ods_code: str
    organisation_code: str
    organisation_name: str
    name: str
    setting: CareSetting
    host_authority_code: str | None
    safeguarding_phone: str
    frame_ancestors: tuple[str, ...]
    rules: tuple[CareSettingRule, ...]
    feed_live: bool
    lookups_alert: bool = False
    announce_in_ack: bool = False
    refuse_recycled: bool = False
    silent_on_failure: bool = False
    character_set: str = ""
    is_told: bool = False
    state: str = LIVE

    @property
    def is_live(self) -> bool:
        """Whether its messages are about real care, so that authorities are told."""
        return self.state == LIVE


@dataclass(frozen=True, slots=True)
class Peer:
    """A system that may connect, and the sites it may speak for and ask about.

    It is known by its certificate (SHA-256 of the DER, hex) where it has one; its network, if any, must hold as well.
    Without a certificate it is known by its network.
    """

    name: str
    network: Network | None
    sites: frozenset[str]
    certificate: str | None = None
    may_query: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """Everything about who sends and who asks, as it stood at `read_at`."""

    is_production: bool
    sites: dict[str, Site]
    authorities: dict[str, Authority]
    peers: tuple[Peer, ...]
    read_at: datetime
    routings: Mapping[str, Routing] = field(default_factory=dict)

    def coverage(self, at: datetime) -> Coverage:
        """How far an answer reaches at an instant, to the minute: live and paused authorities, and which are late."""
        return _coverage(self, at.replace(second=0, microsecond=0))

    def routing(self, authority_code: str) -> Routing:
        """Whom the authority has told of what, and when."""
        return self.routings.get(authority_code) or routing_of(self.authorities[authority_code])

    def sites_of(self, organisation_code: str) -> tuple[Site, ...]:
        """The organisation's sites, by code."""
        return tuple(site for _, site in sorted(self.sites.items()) if site.organisation_code == organisation_code)

    def hospital_of(self, encounter: Encounter) -> HospitalPatient | None:
        """Whom the encounter's hospital is told about in its own system, or None where it is not told so."""
        site = self.sites.get(encounter.site)
        if site is None or not site.is_told:
            return None
        return HospitalPatient(encounter.site, encounter.nhs_number or "", encounter.local_number or "", encounter.reference)

    def peer_of(self, address: str, certificate: str | None) -> Peer:
        """Who is at the other end: by certificate where one was checked, else the narrowest network that holds the address.

        A peer that has a certificate is never known by its address alone. Raises NotSpeakingFor where nobody fits.
        """
        return _peer_of(self, address, certificate)

    def site_for(self, peer: Peer, facility: str) -> Site:
        """The site that a peer speaks for. Raises NotSpeakingFor where it is unknown or not the peer's own."""
        site = self.sites.get(facility.upper())
        if site is None or site.ods_code not in peer.sites:
            raise NotSpeakingFor("this peer may not speak for the facility in MSH-4")
        return site


@lru_cache(maxsize=4)
def _coverage(directory: Directory, at: datetime) -> Coverage:
    """Remembered, because every answer needs it and nothing else about an answer costs as much."""
    connected = [each for each in directory.authorities.values() if each.state in {"live", "paused"}]
    return Coverage(tuple(Feed(each.code, each.name, each.last_extracted_at, each.is_late(at)) for each in connected))


@lru_cache(maxsize=64)
def _peer_of(directory: Directory, address: str, certificate: str | None) -> Peer:
    """Remembered, because a connection asks it for each of its messages."""
    ip = ipaddress.ip_address(address)
    if certificate is not None:
        peer = next((each for each in directory.peers if each.certificate == certificate), None)
        if peer is None:
            raise NotSpeakingFor("this certificate is not registered as a peer")
        if peer.network is not None and ip not in peer.network:
            raise NotSpeakingFor("this certificate's peer may not speak from this address")
        return peer
    fitting = [
        (each.network.prefixlen, each)
        for each in directory.peers
        if each.certificate is None and each.network is not None and ip in each.network
    ]
    if not fitting:
        raise NotSpeakingFor("this address is not registered as a peer")
    return max(fitting, key=lambda pair: pair[0])[1]


class DirectoryReader:
    """Keeps the newest directory for a few seconds; a change to a site or a peer is seen by every process after that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._directory: Directory | None = None
        self._good_until = 0.0
        self._reading = SharedRead(self._read_anew)
        self._forgotten = 0

    async def current(self) -> Directory:
        """The directory, at most `KEPT_SECONDS` old or just read. Raises CouldNotReachStore where it cannot be read."""
        if self._directory is not None and time.monotonic() <= self._good_until:
            return self._directory
        asked = self._forgotten
        while True:
            forgotten, directory = await self._reading.get()
            if forgotten >= asked:
                return directory

    async def _read_anew(self) -> tuple[int, Directory]:
        """The directory, and how often it had been forgotten when its reading began: it knows nothing of what was met after."""
        forgotten = self._forgotten
        directory = self._directory = await self._read()
        if forgotten == self._forgotten:
            self._good_until = time.monotonic() + KEPT_SECONDS
        return forgotten, directory

    async def _read(self) -> Directory:
        """What cannot be read is our own trouble, and no message is refused for good because of it."""
        try:
            async with self._database.transaction() as transaction:
                return await read_directory(transaction)
        except (psycopg.DataError, LookupError, ValueError) as error:
            log.error("directory not read", error=type(error).__name__)
            raise CouldNotReachStore("the directory cannot be read") from error

    @property
    def last_known(self) -> Directory | None:
        """The newest that was ever read, however old: for deciding how to say that the store is away. None before the first."""
        return self._directory

    def forget(self) -> None:
        """Read it anew at the next question: something was met that it does not know."""
        self._forgotten += 1
        self._good_until = 0.0


async def read_directory(transaction: Transaction) -> Directory:
    """Read it all: some hundred rows."""
    kind = await (await transaction.execute("SELECT kind FROM store")).fetchone()
    sites = await _read_sites(transaction, await read_rules_by_site(transaction))
    authorities = {authority.code: authority for authority in await read_authorities(transaction)}
    kept = await read_kept(transaction)
    routings = {code: routing_of(authority, kept.get(code)) for code, authority in authorities.items()}
    return Directory(kind == ("production",), sites, authorities, await _read_peers(transaction), now(), routings)


async def read_rules_by_site(transaction: Transaction, only: str | None = None) -> dict[str, list[CareSettingRule]]:
    """Every site's rules, or those of one alone, in the order in which they are tried."""
    rules: dict[str, list[CareSettingRule]] = defaultdict(list)
    cursor = await transaction.execute(
        """
        SELECT site, patient_classes, admission_methods, treatment_functions, location_prefix, setting
        FROM care_setting_rules WHERE %(only)s::text IS NULL OR site = %(only)s ORDER BY site, position
        """,
        {"only": only},
    )
    for site, classes, methods, functions, prefix, setting in await cursor.fetchall():
        rule = CareSettingRule(frozenset(classes), frozenset(methods), frozenset(functions), prefix, CareSetting(setting))
        rules[site].append(rule)
    return rules


async def _read_sites(transaction: Transaction, rules: dict[str, list[CareSettingRule]]) -> dict[str, Site]:
    cursor = await transaction.execute(
        """
        SELECT s.ods_code, s.organisation_code, o.name, s.name, s.setting, s.host_authority_code, s.safeguarding_phone,
               s.frame_ancestors, s.lookups_alert, f.last_attendance_at,
               s.announce_in_ack, s.refuse_recycled, s.silent_on_failure, s.character_set, b.site IS NOT NULL,
               s.state
        FROM sites s JOIN organisations o ON o.ods_code = s.organisation_code LEFT JOIN site_feeds f ON f.site = s.ods_code
        LEFT JOIN outbound_feeds b ON b.site = s.ods_code AND b.switched_off_at IS NULL
        """
    )
    return {
        ods: Site(
            ods, organisation, organisation_name, name, CareSetting(setting), host, phone, tuple(ancestors), tuple(rules[ods]),
            attended_at is not None and now() - attended_at < FEED_LIVE, lookups_alert, *answering,
        )
        for ods, organisation, organisation_name, name, setting, host, phone, ancestors, lookups_alert, attended_at, *answering
        in await cursor.fetchall()
    }  # fmt: skip


async def _read_peers(transaction: Transaction) -> tuple[Peer, ...]:
    cursor = await transaction.execute(
        """
        SELECT p.name, p.network, p.certificate, array_agg(f.site), array_agg(f.site) FILTER (WHERE f.may_query)
        FROM peers p JOIN peer_facilities f ON f.peer_id = p.id GROUP BY p.id
        """
    )
    return tuple(
        Peer(name, network, frozenset(sites), certificate, frozenset(may_query or ()))
        for name, network, certificate, sites, may_query in await cursor.fetchall()
    )
