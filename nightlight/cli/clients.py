"""Commands about the systems that may call: `nightlight client add | list | show | rotate | disable | enable`, and `token`."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from domain.errors import InvalidInput, NotFound
from nightlight.cli.console import DataFolder, on_store, operator, out
from nightlight.cli.key_files import read_key_file
from runtime.client_keys import (
    RegisteredKey,
    add_keys,
    drop_key,
    end_other_keys,
    read_keys,
    revoke_tokens,
    set_enabled,
    set_jwks_url,
)
from runtime.clients import OF_AUTHORITIES, SCOPES, Care, Client, add_client, find_client, read_clients, sign_token
from runtime.database import Connection, Database
from runtime.endpoints import endpoints
from runtime.secret import secret_key
from runtime.settings import Settings

clients = typer.Typer(no_args_is_help=True, help="Systems that may call the FHIR API, or send extracts.")

ClientId = Annotated[str, typer.Argument(metavar="ID", help="A name for the system, such as amber-ehr.", show_default=False)]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Its public key: PEM, JWK, or JWK Set with several.", show_default=False),
]
KeyId = Annotated[
    str | None, typer.Option(help="Id of that key (kid); default: its own, or its RFC 7638 thumbprint.", show_default=False)
]
KeysUrl = Annotated[str | None, typer.Option(metavar="URL", help="Where it publishes its keys (JWK Set).", show_default=False)]


@clients.command("add")
def client_add(
    client_id: ClientId,
    scope: Annotated[list[str], typer.Option(help=f"What it may do, one of {', '.join(SCOPES + OF_AUTHORITIES)}; repeat it.")],
    organisation: Annotated[
        str | None, typer.Option(help="ODS code of the organisation that it belongs to.", show_default=False)
    ] = None,
    authority: Annotated[
        str | None, typer.Option(help="Code of the local authority that it belongs to, instead.", show_default=False)
    ] = None,
    care: Annotated[Care, typer.Option(help="The care it is registered for.")] = Care.BOTH,
    key: KeyFile = None,
    kid: KeyId = None,
    jwks_url: KeysUrl = None,
    auditor: Annotated[bool, typer.Option("--auditor", help="It may read the whole trail of who looked.")] = False,
    data: DataFolder = None,
) -> None:
    """Register a system of an organisation or of a local authority, with its key or with where it publishes its keys."""
    jwks = read_key_file(key.read_bytes(), kid) if key else []

    async def work(database: Database, settings: Settings) -> None:
        _check_url(settings, jwks_url)
        client = Client(
            client_id, (organisation or "").upper(), scope, care, True, authority_code=authority, auditor=auditor, jwks_url=jwks_url
        )
        async with database.transaction() as transaction:
            await _check_owner(transaction, client)
            await add_client(transaction, operator(), client)
            await add_keys(transaction, operator(), client_id, jwks)

    on_store(data, work)
    for jwk in jwks:
        out.print(f"Its key has the id (kid) {jwk['kid']}: its assertions must name it.", markup=False)
    out.print(f"Registered client {client_id}. Try it with: nightlight token {client_id}", markup=False)


@clients.command("list")
def client_list(data: DataFolder = None) -> None:
    """List the systems that are registered."""

    async def work(database: Database, _: Settings) -> list[Client]:
        async with database.transaction() as transaction:
            return await read_clients(transaction)

    table = Table("client", "belongs to", "care", "state", "scopes")
    for client in on_store(data, work):
        table.add_row(client.id, _owner(client), client.care.value, _state(client), " ".join(client.scopes))
    out.print(table)


@clients.command("show")
def client_show(client_id: ClientId, data: DataFolder = None) -> None:
    """Show one system: what it may do, and its keys."""

    async def work(database: Database, _: Settings) -> tuple[Client, list[RegisteredKey]]:
        async with database.transaction() as transaction:
            return await _found(transaction, client_id), await read_keys(transaction, client_id)

    client, keys = on_store(data, work)
    lines = [
        f"{client.id} belongs to {_owner(client)}, and is {_state(client)}.",
        f"Scopes: {' '.join(client.scopes)}. Care: {client.care.value}.",
        *(["It may read the whole trail."] if client.auditor else []),
        *([f"Its keys stand at {client.jwks_url}."] if client.jwks_url else []),
        *(f"Key {key.kid} ({key.jwk['kty']}), added on {_written(key.added_at)}{_end(key)}." for key in keys),
    ]
    if not keys and not client.jwks_url:
        lines.append("It has no key: it can get no token by itself.")
    for line in lines:
        out.print(line, markup=False)


@clients.command("rotate")
def client_rotate(
    client_id: ClientId,
    key: KeyFile = None,
    kid: KeyId = None,
    jwks_url: KeysUrl = None,
    overlap_hours: Annotated[float, typer.Option(min=0, help="How long its old keys stay good beside the new ones.")] = 24,
    drop: Annotated[
        str | None, typer.Option(metavar="KID", help="Only let the key of this id end, now.", show_default=False)
    ] = None,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="A key is known to others: end the old ones and all tokens now.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Give a system a new key beside its old one, which ends after the overlap; or say where it publishes its keys now."""
    if sum(bool(each) for each in (key, jwks_url, drop)) != 1:
        raise InvalidInput("name one of --key FILE, --jwks-url URL and --drop KID")
    jwks = read_key_file(key.read_bytes(), kid) if key else []

    async def work(database: Database, settings: Settings) -> list[str]:
        _check_url(settings, jwks_url)
        async with database.transaction() as transaction:
            ended = await _rotate(transaction, client_id)
            if revoke:
                await revoke_tokens(transaction, operator(), client_id)
        return ended

    async def _rotate(transaction: Connection, client_id: str) -> list[str]:
        if drop:
            await drop_key(transaction, operator(), client_id, drop)
            return [drop]
        client = await _found(transaction, client_id)
        if jwks_url != client.jwks_url:
            await set_jwks_url(transaction, operator(), client_id, jwks_url)
        await add_keys(transaction, operator(), client_id, jwks)
        after = timedelta(0) if revoke else timedelta(hours=overlap_hours)
        return await end_other_keys(transaction, operator(), client_id, [jwk["kid"] for jwk in jwks], after)

    ended = on_store(data, work)
    for jwk in jwks:
        out.print(f"Its key has the id (kid) {jwk['kid']}: its assertions must name it.", markup=False)
    when = "now" if drop or revoke or not overlap_hours else f"in {overlap_hours:g} hours"
    for each in ended:
        out.print(f"Key {each} ends {when}.", markup=False)
    if revoke:
        out.print("Every token that it holds ends within a few seconds.", markup=False)


@clients.command("disable")
def client_disable(client_id: ClientId, data: DataFolder = None) -> None:
    """Keep a system out, whatever tokens it holds, within a few seconds."""
    _set_enabled(client_id, data, enabled=False)
    out.print(f"Client {client_id} is kept out within a few seconds, whatever tokens it holds.", markup=False)


@clients.command("enable")
def client_enable(client_id: ClientId, data: DataFolder = None) -> None:
    """Let a system in again. Tokens from before stay at their end."""
    _set_enabled(client_id, data, enabled=True)
    out.print(f"Client {client_id} may ask for tokens again within a few seconds.", markup=False)


def token(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT", help="A registered client.", show_default=False)],
    data: DataFolder = None,
) -> None:
    """Print a bearer token for a registered client, good for five minutes, for trying things."""

    async def work(database: Database, settings: Settings) -> str:
        async with database.transaction() as transaction:
            return sign_token(secret_key(settings), await _found(transaction, client_id))

    out.print(on_store(data, work), markup=False)


def _set_enabled(client_id: str, data: Path | None, *, enabled: bool) -> None:
    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await set_enabled(transaction, operator(), client_id, enabled=enabled)

    on_store(data, work)


async def _found(transaction: Connection, client_id: str) -> Client:
    client = await find_client(transaction, client_id)
    if client is None:
        raise NotFound(f"there is no client {client_id}")
    return client


def _check_url(settings: Settings, url: str | None) -> None:
    if url is not None:
        endpoints(settings).check(url)


async def _check_owner(transaction: Connection, client: Client) -> None:
    """Raises NotFound where nobody would be looked from."""
    if client.organisation_code:
        found = await transaction.execute("SELECT 1 FROM sites WHERE organisation_code = %s", (client.organisation_code,))
        if await found.fetchone() is None:
            raise NotFound(f"organisation {client.organisation_code} has no site: add one first with nightlight site add")
    if client.authority_code:
        found = await transaction.execute("SELECT 1 FROM authorities WHERE code = %s", (client.authority_code,))
        if await found.fetchone() is None:
            raise NotFound(f"there is no authority {client.authority_code}: add it first with nightlight authority add")


def _owner(client: Client) -> str:
    return f"authority {client.authority_code}" if client.authority_code else client.organisation_code


def _state(client: Client) -> str:
    return "enabled" if client.enabled else "disabled"


def _written(at: datetime) -> str:
    return f"{at:%d %b %Y}"


def _end(key: RegisteredKey) -> str:
    return f", good until {key.ends_at:%d %b %Y %H:%M} UTC" if key.ends_at else ""
