"""Commands about authorities' webhooks: `nightlight webhook add | list | change | renew | test | disable | enable`.

The page for data officers does the same. A secret is printed by `add` and `renew`, once (docs/integration/webhooks.md).
"""

from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from domain.alert import AttemptOutcome
from domain.channel import Attempted
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.endpoints import endpoints
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.telling import webhooks as use
from safeguarding.telling.webhooks import Listed

webhooks = typer.Typer(no_args_is_help=True, help="Where authorities' own systems are told of alerts.")

Authority = Annotated[str, typer.Argument(metavar="AUTHORITY", help="Code of the local authority.", show_default=False)]
WebhookId = Annotated[UUID, typer.Argument(metavar="ID", help="The webhook's id, as list shows it.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What people call it.", show_default=False)]
Url = Annotated[str, typer.Argument(metavar="URL", help="The whole address.", show_default=False)]


@webhooks.command("add")
def webhook_add(authority: Authority, name: Name, url: Url, data: DataFolder = None) -> None:
    """Register a webhook: https, and public unless NIGHTLIGHT_PRIVATE_ENDPOINTS lists its host. Prints its secret, once."""

    async def work(database: Database, settings: Settings) -> tuple[UUID, str]:
        endpoints(settings).check(url)
        async with database.transaction() as transaction:
            webhook, secret = await use.register(transaction, secret_key(settings), operator(), authority, name, url)
        return webhook.id, secret

    webhook_id, secret = on_store(data, work)
    out.print(f"Registered webhook {webhook_id}. Its secret, which is not shown again:", markup=False)
    out.print(secret, markup=False)


@webhooks.command("list")
def webhook_list(authority: Authority, data: DataFolder = None) -> None:
    """List an authority's webhooks, and how it goes with each."""

    async def work(database: Database, _: Settings) -> list[Listed]:
        async with database.transaction() as transaction:
            return await use.list_webhooks(transaction, authority)

    table = Table("id", "name", "address", "state", "waiting", "why")
    for each in on_store(data, work):
        state = "out of use" if each.webhook.disabled_at else "in use"
        table.add_row(
            str(each.webhook.id),
            escape(each.webhook.name),
            escape(each.webhook.url),
            state,
            str(each.going.waiting),
            each.going.code,
        )
    out.print(table)


@webhooks.command("change")
def webhook_change(authority: Authority, webhook_id: WebhookId, name: Name, url: Url, data: DataFolder = None) -> None:
    """Give a webhook another name and address; what waits goes there."""

    async def work(database: Database, settings: Settings) -> None:
        endpoints(settings).check(url)
        async with database.transaction() as transaction:
            await use.change(transaction, operator(), authority, webhook_id, name, url)

    on_store(data, work)
    out.print(f"The webhook {webhook_id} leads there now: {url}", markup=False)


@webhooks.command("renew")
def webhook_renew(authority: Authority, webhook_id: WebhookId, data: DataFolder = None) -> None:
    """Give a webhook another secret, and print it, once. The one before is good for 24 hours."""

    async def work(database: Database, settings: Settings) -> str:
        async with database.transaction() as transaction:
            _, secret = await use.renew(transaction, secret_key(settings), operator(), authority, webhook_id)
        return secret

    secret = on_store(data, work)
    out.print("For 24 hours notices are signed with both secrets. The new one, which is not shown again:", markup=False)
    out.print(secret, markup=False)


@webhooks.command("test")
def webhook_test(authority: Authority, webhook_id: WebhookId, data: DataFolder = None) -> None:
    """Send a notice of nothing now, once. Ends with status 1 where it is not taken."""

    async def work(database: Database, settings: Settings) -> Attempted:
        key, link = secret_key(settings), settings.link("/worklist")
        return await use.send_test(database, endpoints(settings), key, link, operator(), authority, webhook_id)

    attempted = on_store(data, work)
    if attempted.outcome is not AttemptOutcome.DELIVERED:
        out.print(f"The notice was not taken: {attempted.detail}.", markup=False)
        raise typer.Exit(1)
    out.print("The notice was taken. Look there whether its signature could be verified.", markup=False)


@webhooks.command("disable")
def webhook_disable(authority: Authority, webhook_id: WebhookId, data: DataFolder = None) -> None:
    """Take a webhook out of use: what is for it waits, and is shown."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await use.take_out_of_use(transaction, operator(), authority, webhook_id)

    on_store(data, work)
    out.print(f"The webhook {webhook_id} is out of use. What is for it waits.", markup=False)


@webhooks.command("enable")
def webhook_enable(authority: Authority, webhook_id: WebhookId, data: DataFolder = None) -> None:
    """Take a webhook into use again: what waited is sent."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await use.take_into_use(transaction, operator(), authority, webhook_id)

    on_store(data, work)
    out.print(f"The webhook {webhook_id} is in use. What waited is sent.", markup=False)
