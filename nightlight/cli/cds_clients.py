"""Commands that say which EHRs may ask for cards (CDS Hooks): `nightlight cds-client add | list | rotate | disable | enable`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InvalidInput
from nightlight.cli.console import DataFolder, on_store, operator, out
from nightlight.cli.key_files import read_key_file
from runtime.database import Database
from runtime.endpoints import endpoints
from runtime.jwks import public_key
from runtime.settings import Settings
from safeguarding.cds_clients import (
    CdsClient,
    add_cds_client,
    disable_cds_client,
    enable_cds_client,
    exchange_keys,
    read_cds_clients,
)

cds_clients = typer.Typer(no_args_is_help=True, help="EHRs that may ask for cards (CDS Hooks).")

Issuer = Annotated[str, typer.Argument(metavar="ISS", help="The iss of its tokens, as it writes it.", show_default=False)]


@cds_clients.command("add")
def cds_client_add(
    issuer: Issuer,
    organisation: Annotated[str, typer.Option(help="ODS code of the organisation that it belongs to.")],
    site: Annotated[
        str | None,
        typer.Option(help="ODS code of the site that it looks from; default: the first of unscheduled care.", show_default=False),
    ] = None,
    jwks_url: Annotated[
        str | None, typer.Option(help="Where its public keys are; the only jku that its tokens may name.", show_default=False)
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Its public key: PEM, JWK, or JWK Set with several; held here, and not fetched.",
            show_default=False,
        ),
    ] = None,
    kid: Annotated[
        str | None, typer.Option(help="What its tokens call the key by, where the file does not say.", show_default=False)
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Origin of a browser that calls, such as https://ehr.example.", show_default=False)
    ] = None,
    fhir_server: Annotated[
        str | None, typer.Option(help="Its FHIR server, which may be asked for a patient.", show_default=False)
    ] = None,
    info_card: Annotated[bool, typer.Option("--info-card", help="Show a card with the coverage where nothing is known.")] = False,
    data: DataFolder = None,
) -> None:
    """Register an EHR, by the address of its keys or by the keys themselves; with both, the address is never called."""
    if jwks_url is None and key is None:
        raise InvalidInput("name the address of its keys with --jwks-url, or a file with them with --key")
    client = CdsClient(
        issuer, organisation.upper(), site.upper() if site else None, jwks_url, read_keys(key, kid) if key else None,
        tuple(origin or ()), fhir_server.rstrip("/") if fhir_server else None, info_card,
    )  # fmt: skip

    async def work(database: Database, settings: Settings) -> str:
        for url in (None if key else jwks_url, client.fhir_server):
            if url is not None:
                endpoints(settings).check(url)
        async with database.transaction() as transaction:
            await add_cds_client(transaction, operator(), client)
        return settings.link("/cds-services")

    url = on_store(data, work)
    out.print(f"Registered EHR {issuer}. Within a few seconds it finds the services at {url}", markup=False)


def read_keys(path: Path, kid: str | None = None) -> str:
    """The JWK Set of a file of public keys. Raises InvalidInput for what may not verify tokens."""
    keys = read_key_file(path.read_bytes(), kid)
    for jwk in keys:
        public_key(jwk)
    return json.dumps({"keys": keys})


@cds_clients.command("list")
def cds_client_list(data: DataFolder = None) -> None:
    """List the EHRs, from where each looks, and what it may do."""

    async def work(database: Database, _: Settings) -> list[CdsClient]:
        async with database.transaction() as transaction:
            return list((await read_cds_clients(transaction)).values())

    for client in on_store(data, work):
        out.print(_line(client), markup=False)


def _line(client: CdsClient) -> str:
    """An EHR on one line: a table of so much would fold what must be copied."""
    facts = (
        "enabled" if client.enabled else "disabled",
        f"organisation {client.organisation_code}",
        f"looks from {client.site or 'the first site of unscheduled care'}",
        f"keys {'held here' if client.key_set else f'at {client.jku}'}",
        f"origins {', '.join(client.origins) or 'none'}",
        f"FHIR server {client.fhir_server or 'none'}",
        *(["info card"] if client.info_card else []),
    )
    return f"{client.issuer}  {'; '.join(facts)}"


@cds_clients.command("rotate")
def cds_client_rotate(
    issuer: Issuer,
    jwks_url: Annotated[str | None, typer.Option(help="Where its public keys are from now on.", show_default=False)] = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its public keys from now on: PEM, JWK, or JWK Set.", show_default=False)
    ] = None,
    kid: Annotated[
        str | None, typer.Option(help="What its tokens call the key by, where the file does not say.", show_default=False)
    ] = None,
    data: DataFolder = None,
) -> None:
    """Put other keys in the place of an EHR's own: what the old ones sign is refused within a few seconds.

    For an overlap give a JWK Set that holds the old key beside the new one, and afterwards one without it.
    """
    if jwks_url is None and key is None:
        raise InvalidInput("name the address of its keys with --jwks-url, or a file with them with --key")
    held = read_keys(key, kid) if key else None

    async def work(database: Database, settings: Settings) -> None:
        if jwks_url is not None and held is None:
            endpoints(settings).check(jwks_url)
        async with database.transaction() as transaction:
            await exchange_keys(transaction, operator(), issuer, jwks_url, held)

    on_store(data, work)
    out.print(f"EHR {issuer} signs with its new keys from now on.", markup=False)


@cds_clients.command("enable")
def cds_client_enable(issuer: Issuer, data: DataFolder = None) -> None:
    """Answer an EHR again that was disabled."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await enable_cds_client(transaction, operator(), issuer)

    on_store(data, work)
    out.print(f"EHR {issuer} is answered again within a few seconds.", markup=False)


@cds_clients.command("disable")
def cds_client_disable(issuer: Issuer, data: DataFolder = None) -> None:
    """Answer an EHR no more, within a few seconds."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await disable_cds_client(transaction, operator(), issuer)

    on_store(data, work)
    out.print(f"EHR {issuer} is answered no more within a few seconds.", markup=False)
