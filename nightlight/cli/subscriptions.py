"""Commands about where Nightlight may call a client: `nightlight client endpoint add | list | remove`.

Nobody else can name an address: a subscription leads to one of these, or is refused (docs/integration/subscriptions.md).
"""

from typing import Annotated

import typer

from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.endpoints import endpoints
from runtime.settings import Settings
from safeguarding.client_endpoints import add_endpoint, endpoints_of, remove_endpoint

client_endpoints = typer.Typer(no_args_is_help=True, help="Where Nightlight may call a client to tell it what it subscribed to.")

ClientId = Annotated[str, typer.Argument(metavar="ID", help="The client's id.", show_default=False)]
Url = Annotated[str, typer.Argument(metavar="URL", help="The whole address, as a Subscription will have it.", show_default=False)]


@client_endpoints.command("add")
def endpoint_add(client_id: ClientId, url: Url, data: DataFolder = None) -> None:
    """Let Nightlight call a client at an address: https, and public unless NIGHTLIGHT_PRIVATE_ENDPOINTS lists its host."""

    async def work(database: Database, settings: Settings) -> None:
        endpoints(settings).check(url)
        async with database.transaction() as transaction:
            await add_endpoint(transaction, operator(), client_id, url)

    on_store(data, work)
    out.print(f"The client {client_id} may subscribe with this endpoint now: {url}", markup=False)


@client_endpoints.command("list")
def endpoint_list(client_id: ClientId, data: DataFolder = None) -> None:
    """Show where Nightlight may call a client."""

    async def work(database: Database, _: Settings) -> list[str]:
        async with database.transaction() as transaction:
            return await endpoints_of(transaction, client_id)

    for url in on_store(data, work) or ["No endpoint is registered for this client."]:
        out.print(url, markup=False)


@client_endpoints.command("remove")
def endpoint_remove(client_id: ClientId, url: Url, data: DataFolder = None) -> None:
    """Call a client there no more: its subscriptions that lead there are off, and what waits for them is withdrawn."""

    async def work(database: Database, _: Settings) -> int:
        async with database.transaction() as transaction:
            return await remove_endpoint(transaction, operator(), client_id, url)

    ended = on_store(data, work)
    out.print(f"The client {client_id} is not called there any more. Subscriptions ended: {ended}.", markup=False)
