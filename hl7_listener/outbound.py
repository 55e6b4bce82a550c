"""The channel by which a hospital's own system is told: an ORU^R01 to the site's engine, over a connection that stays open.

`alerts.dispatcher` hands over a delivery; what it is about is read here, so that a Delivery carries nothing of a patient.
Source: docs/hl7.md, "Back into the hospital".
"""

from collections.abc import Callable
from dataclasses import dataclass

from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from hl7_listener.outbound_client import Engine, EngineLine
from hl7_listener.outbound_message import Party, control_id_of, render_result
from hl7_listener.outbound_tls import ClientFiles, stays_here
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.outbound import OutboundFeed, read_outbound

SWITCHED_OFF = Attempted(AttemptOutcome.PERMANENT, "feed-off")
NO_TLS = Attempted(AttemptOutcome.PERMANENT, "no-tls")


@dataclass(frozen=True, slots=True)
class Sending:
    """How this service sends to hospitals. `link` makes a path an address."""

    party: Party
    files: ClientFiles
    any_address: bool
    ack_seconds: float
    link: Callable[[str], str]

    @classmethod
    def of(cls, settings: Settings) -> "Sending":
        """As the settings have it."""
        return cls(
            Party(settings.outbound_application, settings.outbound_facility), ClientFiles.of(settings),
            settings.outbound_any_address, settings.outbound_ack_seconds, settings.link,
        )  # fmt: skip

    def may_reach(self, host: str, *, tls: bool) -> bool:
        """Whether a message may go there: with TLS, on this machine, or where the settings allow it in the clear."""
        return tls or self.any_address or stays_here(host)


class HospitalChannel:
    """Tells hospitals' own systems, each over a connection of its own."""

    name = ChannelName.HL7

    def __init__(self, database: Database, sending: Sending) -> None:
        self._database = database
        self._sending = sending
        self._lines: dict[str, EngineLine] = {}

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Send it, and wait for its acknowledgement. While the site is switched off it waits, and needs a person."""
        async with self._database.transaction() as transaction:
            outbound = await read_outbound(transaction, delivery.id)
        if not outbound.is_on:
            self._hang_up(outbound.feed.site)
            return SWITCHED_OFF
        if not self._sending.may_reach(outbound.feed.host, tls=outbound.feed.tls):
            return NO_TLS
        message = render_result(outbound, delivery.id, self._sending.party, self._sending.link)
        return await self._line_to(outbound.feed).send(message, control_id_of(delivery.id))

    def close(self) -> None:
        """Let every connection go."""
        for site in list(self._lines):
            self._hang_up(site)

    def _line_to(self, feed: OutboundFeed) -> EngineLine:
        engine = Engine(feed.site, feed.host, feed.port, self._sending.files if feed.tls else None)
        line = self._lines.get(feed.site)
        if line is None or line.engine != engine:
            self._hang_up(feed.site)
            line = self._lines[feed.site] = EngineLine(engine, self._sending.ack_seconds)
        return line

    def _hang_up(self, site: str) -> None:
        line = self._lines.pop(site, None)
        if line is not None:
            line.close()
