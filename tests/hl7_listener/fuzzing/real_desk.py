"""The same frames at a real desk with PostgreSQL, so that what the database refuses is seen."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from hl7_listener.accept_modes import Taking
from hl7_listener.answered import Answered
from hl7_listener.answering import Answerer
from nightlight.embedded import EmbeddedServers
from runtime.migrate import migrate
from tests.hl7_listener.fuzzing.promises import SENDER, Broken, read_answers
from tests.safeguarding.house import CHILD, House, open_house

_CANNOT_STORE = "207"


@contextmanager
def open_servers(folder: Path) -> Iterator[str]:
    """The URL of an embedded PostgreSQL of its own, migrated."""
    with EmbeddedServers(folder, with_valkey=False) as servers:
        migrate(servers.owner_url)
        yield servers.service_url


@asynccontextmanager
async def open_real_answerer(url: str) -> AsyncIterator[Answerer]:
    """An answerer whose peer may speak and ask for the seam's sites; one child has a plan."""
    async with open_house(url) as house:
        await _allow_queries(house)
        await house.flag(CHILD)
        yield Answerer(house.desk, house.directory, house.database)


@contextmanager
def open_real_desk(url: str) -> Iterator["RealDesk"]:
    """As `open_real_answerer`, for callers without a loop."""
    with asyncio.Runner() as runner:
        opened = open_real_answerer(url)
        answerer = runner.run(opened.__aenter__())
        try:
            yield RealDesk(answerer, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))


class RealDesk:
    """Answers one frame after the other on a loop of its own."""

    def __init__(self, answerer: Answerer, runner: asyncio.Runner) -> None:
        self._answerer = answerer
        self._runner = runner

    def examine(self, raw: bytes, expected: tuple[bytes, ...]) -> bool:
        """Whether the database took it. Raises Broken where the desk failed, or said another thing than `expected`."""
        answered = self._runner.run(self._answerer.answer(raw, SENDER))
        return check_real(raw, answered, expected)


def check_real(raw: bytes, answered: Answered, expected: tuple[bytes, ...]) -> bool:
    """As `RealDesk.examine`."""
    if answered.taking is Taking.TROUBLE:
        raise Broken("nothing in a message is trouble of the desk", raw)
    acks = [ack for content in answered.frames for ack in read_answers(content)]
    if any(_CANNOT_STORE in error.text for ack in acks for error in ack.segments("ERR")):
        return False
    if _codes(answered.frames) != _codes(expected):
        raise Broken("the real desk takes and refuses what the seam does", raw)
    return True


def _codes(frames: tuple[bytes, ...]) -> list[str]:
    return [ack.required("MSA").raw(1) for content in frames for ack in read_answers(content)]


async def _allow_queries(house: House) -> None:
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE peer_facilities SET may_query = true")
    house.directory.forget()
