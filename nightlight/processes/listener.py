"""`nightlight listener`: HL7 v2 over MLLP, in front of a desk of its own."""

from datetime import datetime

from hl7_listener.answering import Answerer
from hl7_listener.server import Limits, check_address, listening
from nightlight.processes.common import Nudger, handed_socket, log, run, store, until_safe, until_stopped
from runtime.database import Database, Transaction
from runtime.heartbeat import keep_beating
from runtime.nudge import Nudges
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader


def run_listener(settings: Settings) -> None:
    """Listen until told to stop. Raises InvalidInput for an address that is not allowed, UnsafeServer."""
    run(settings, "listener", _main)


async def _main(settings: Settings) -> None:
    sock = handed_socket("mllp", settings.mllp)
    check_address(sock.getsockname()[0], any_address=settings.mllp_any_address)
    nudges, feeds = Nudges(settings.redis_url.get_secret_value()), SiteFeeds()
    async with store(settings, "listener") as database:
        directory = DirectoryReader(database)
        desk = Desk(database, directory, secret_key(settings), settings.desk_queue, Nudger(nudges))
        answerer = Answerer(desk, directory, database, settings.default_charset, feeds.note, settings.link)
        async with desk, listening(sock, answerer.answer, Limits.of(settings)):
            log.info("listening", port=sock.getsockname()[1])
            await until_stopped(_beat_when_safe(database, feeds))
    await nudges.close()


async def _beat_when_safe(database: Database, feeds: "SiteFeeds") -> None:
    await until_safe(database)
    await keep_beating(database, "listener", feeds.write)


class SiteFeeds:
    """When each site sent its last real message: noted as they come, written with the heartbeat, so that no row runs hot."""

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}

    def note(self, site: str, at: datetime) -> None:
        """A message of the site was answered."""
        self._last[site] = at

    async def write(self, transaction: Transaction) -> None:
        """Write down what came since the last time."""
        last, self._last = self._last, {}
        for site, at in sorted(last.items()):
            await transaction.execute(
                """
                INSERT INTO site_feeds (site, last_message_at) VALUES (%s, %s)
                ON CONFLICT (site) DO UPDATE SET last_message_at = greatest(site_feeds.last_message_at, excluded.last_message_at)
                """,
                (site, at),
            )
