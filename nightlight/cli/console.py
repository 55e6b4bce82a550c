"""What every command shares: the consoles, the settings, the running service's store, and who is typing."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import SecretStr
from rich.console import Console

from domain.actor import Actor, ActorKind
from domain.errors import NightlightError
from nightlight.embedded import find
from runtime.database import Database
from runtime.logs import configure
from runtime.settings import Settings, load_settings

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Result = TypeVar("Result")

DataFolder = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data folder of the service (NIGHTLIGHT_DATA_DIR).", show_default=False)
]


class NoService(NightlightError):
    """There is no store to talk to."""


def complain(sentence: str) -> None:
    """One line on standard error."""
    err.print("nightlight:", style="bold red", end=" ")
    err.print(sentence, markup=False)


def settings_of_store(data: Path | None = None) -> Settings:
    """The settings, with the URLs of the running service where none are set. Raises NoService where none runs."""
    settings = load_settings(data_dir=data)
    if settings.database_url.get_secret_value():
        return settings
    servers = find(settings.data_dir)
    if servers is None:
        raise NoService(
            f"no service is running on {settings.data_dir}: start it with nightlight serve, name its folder with --data or "
            "NIGHTLIGHT_DATA_DIR, or its database with NIGHTLIGHT_DATABASE_URL"
        )
    return settings.model_copy(
        update={
            "database_url": SecretStr(servers.service_url),
            "owner_database_url": SecretStr(servers.owner_url),
            "redis_url": settings.redis_url if settings.redis_url.get_secret_value() else SecretStr(servers.redis_url),
        }
    )


def on_store(data: Path | None, work: Callable[[Database, Settings], Awaitable[Result]]) -> Result:
    """Do one piece of work on the store of the running service."""
    configure("WARNING", "command")
    settings = settings_of_store(data)

    async def main() -> Result:
        async with open_store(settings) as database:
            return await work(database, settings)

    return asyncio.run(main())


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Database]:
    """The store as the service role; refused where the server is not safe."""
    async with Database(settings.database_url.get_secret_value(), 4, "nightlight-command") as database:
        await database.check_server()
        yield database


def operator() -> Actor:
    """Who is typing, for the audit trail."""
    name = getpass.getuser()
    return Actor(ActorKind.OPERATOR, name, f"{name} on the command line", "nightlight", "operator")
