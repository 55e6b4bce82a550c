"""Runs the demo: the whole service, the invented world on the first start, one child registered, and the story printed."""

import asyncio
import io
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from rich.panel import Panel
from rich.table import Table

from domain.actor import NIGHTLIGHT, Actor, ActorKind, Purpose
from domain.answer import Recorded
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from domain.errors import NightlightError
from domain.extract import Declaration
from domain.nhs_number import to_spaced
from flags_store.authorities import add_authority
from hl7_listener.times import format_time
from nightlight.cli.answers import lines_of
from nightlight.cli.console import out
from nightlight.cli.mllp import acknowledged_code, send_all
from nightlight.demo.pds_child import pds_environment
from nightlight.demo.sample import (
    AUTHORITIES,
    CHILD,
    FRONT_DOOR,
    PEOPLE,
    SITES,
    extract_of,
    register_message,
    rules_of,
    sensitive_extract_of,
)
from nightlight.embedded import Servers
from nightlight.supervisor import Child, Ports, serve
from nightlight.supervisor.serve import More
from nightlight.supervisor.sockets import Address, address_of, listen
from runtime.clients import SCOPES, Care, Client, add_client
from runtime.clock import england_day, now
from runtime.database import Connection, Database
from runtime.ids import uuid7
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.check import Check
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader, read_directory
from safeguarding.extracts.loading import load_extract
from safeguarding.operator_views import alerts_for_operator
from safeguarding.sites import add_site
from safeguarding.telling.rules import add_rule, read_rulebook
from safeguarding.telling.rules_teams import add_team


class NotInProduction(NightlightError):
    """The demo brings invented people, and a production store takes none."""


def run_demo(settings: Settings) -> None:
    """Serve until Ctrl-C. Raises NotInProduction, and what `serve` raises."""
    out.print("Starting Nightlight: PostgreSQL, Valkey, pages and FHIR API, HL7 listener, dispatcher, loader …")
    with _sockets() as sockets:
        provider, mail = sockets["provider"], sockets["mail"]
        children = tuple(Child(name, (sys.executable, "-m", "nightlight.demo.local_services", name), (name,)) for name in sockets)
        environment = {
            "NIGHTLIGHT_OIDC_ISSUER": f"http://{address_of(provider)}",
            "NIGHTLIGHT_OIDC_CLIENT_SECRET": "of-no-worth-on-loopback",
            "NIGHTLIGHT_SMTP_URL": f"smtp://{address_of(mail)}",
            "NIGHTLIGHT_LOG_LEVEL": "WARNING" if settings.log_level == "INFO" else settings.log_level,
            "NIGHTLIGHT_MAIL_DIR": str(settings.data_dir.resolve() / "mail"),
            **pds_environment(settings.data_dir / "pds", sockets["pds"]),
        }
        story = _Story(settings)
        more = More(story.furnish, children, environment, sockets, story.tell)
        serve(settings, more)


@contextmanager
def _sockets() -> Iterator[dict[str, socket.socket]]:
    """A free port of loopback for each of the demo's own children."""
    with ExitStack() as held:
        yield {name: held.enter_context(listen(Address("127.0.0.1", 0), name)) for name in ("provider", "mail", "pds")}


class _Story:
    """What the demo does before the service runs and once it is ready."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def furnish(self, servers: Servers) -> None:
        """Bring the invented world, the first time."""
        self._settings = self._settings.model_copy(update={"database_url": SecretStr(servers.service_url)})
        asyncio.run(_furnish(servers.service_url))

    async def tell(self, ports: Ports) -> None:
        """Register the child, and show what happened and what to do next."""
        at = now()
        control_id = uuid7().hex[-12:].upper()
        message = register_message(format_time(at)[:14], control_id, f"V{at:%Y%m%d%H%M%S}")
        [(_, [acknowledgement, *_])] = await send_all(f"127.0.0.1:{ports.mllp}", [("", message)])
        async with Database(self._settings.database_url.get_secret_value(), 3) as database:
            await _print_story(database, self._settings, ports, acknowledgement)


async def _furnish(service_url: str) -> None:
    async with Database(service_url, 3) as database:
        async with database.transaction() as transaction:
            directory = await read_directory(transaction)
        if directory.is_production:
            raise NotInProduction("this is a production store: the demo brings invented people. Use another --data folder")
        if not directory.authorities:
            out.print("First start: inventing three authorities, three sites and their children …")
            await _add_world(database)
        async with database.transaction() as transaction:
            first = await (await transaction.execute("SELECT min(extracted_at) FROM extracts")).fetchone()
        today = england_day(now())
        first_day = england_day(first[0]) if first and first[0] else today
        for code, *_ in AUTHORITIES:  # a new day's extract, as an authority would send it, so that no feed is late
            content = extract_of(code, first_day, today)
            await load_extract(database, NIGHTLIGHT, code, io.BytesIO(content), Declaration(now()))


async def _add_world(database: Database) -> None:
    async with database.transaction() as transaction:
        for code, name, office, emergency, email in AUTHORITIES:
            await add_authority(
                transaction, NIGHTLIGHT, code, name, office, emergency, alert_email=email, live=True, rhythm=timedelta(days=2)
            )
        await _say_who_is_told(transaction, AUTHORITIES[0][0])
        for ods, name, setting, trust, trust_name, host, phone in SITES:
            await add_site(
                transaction, NIGHTLIGHT, ods, name, setting, organisation_code=trust, organisation_name=trust_name,
                host_authority_code=host, safeguarding_phone=phone,
            )  # fmt: skip
        await add_client(transaction, NIGHTLIGHT, Client("amber-ehr", "R0A", list(SCOPES), Care.BOTH, True))
    sensitive = sensitive_extract_of(england_day(now()))
    await load_extract(database, NIGHTLIGHT, "303", io.BytesIO(sensitive), Declaration(now(), sensitive=True))


async def _say_who_is_told(transaction: Connection, code: str) -> None:
    front_door = await add_team(transaction, NIGHTLIGHT, code, FRONT_DOOR)
    for rule in rules_of(front_door):
        book = await read_rulebook(transaction, code)
        await add_rule(transaction, NIGHTLIGHT, code, book.rules_mark, rule)


async def _print_story(database: Database, settings: Settings, ports: Ports, acknowledgement: str) -> None:
    async with database.transaction() as transaction:
        [(alert, _), *_] = await alerts_for_operator(transaction, None, 1)
    reader = DirectoryReader(database)
    directory = await reader.current()
    demo = Actor(ActorKind.OPERATOR, "demo", "The demo", "nightlight", "operator")
    question = Check(
        demo, Purpose.SUPPORT, TriggerEvent.BANNER, Identity(None), alert.site, CareSetting.UNCLASSIFIED, now(), silent=True,
        encounter_id=alert.encounter_id,
    )  # fmt: skip
    async with Desk(database, reader, secret_key(settings)) as desk:
        outcome = (await desk.ask(question)).outcome
    assert not isinstance(outcome, Recorded)
    site = directory.sites[alert.site]
    authority = directory.authorities[alert.authority_code]
    web = f"http://127.0.0.1:{ports.http}"
    out.print(Panel(f"ADT^A04: a child is registered at {site.name}", expand=False))
    out.print(f"Acknowledged: {acknowledged_code(acknowledgement)}, after it was on disk")
    out.print("The banner says:")
    for line in lines_of(outcome, directory, site, question.at):
        out.print(f"  {line}", markup=False)
    out.print(f"Alert raised for {authority.name}; e-mails are kept in {settings.data_dir / 'mail'}", markup=False)
    out.print(Panel("Look for yourself", expand=False))
    out.print(f"  Pages          {web}/", markup=False)
    out.print(f"  Banner         {web}/encounters/{alert.encounter_id}", markup=False)
    out.print(f"  Board          {web}/sites/{alert.site}/board", markup=False)
    out.print(f"  Worklist       {web}/worklist", markup=False)
    out.print(f"  FHIR           {web}/FHIR/R4/metadata", markup=False)
    out.print(f"  HL7 (MLLP)     127.0.0.1:{ports.mllp}", markup=False)
    out.print("Sign in: choose a name on the sign-in page; there is no password, and everybody is invented.")
    people = Table("Sign in as", "Who", "Sees", box=None, padding=(0, 3, 0, 2))
    for person in PEOPLE:
        people.add_row(person.subject, person.name, person.what)
    out.print(people)
    out.print(Panel("Next", expand=False))
    for command in _next_commands(settings.data_dir, web):
        out.print(f"  {command}", markup=False)
    out.print(f"A flagged number to try: {to_spaced(CHILD)}. Ctrl-C stops everything; the data stays.", markup=False)


def _next_commands(data_folder: Path, web: str) -> list[str]:
    program = _as_typed(Path(sys.executable).parent / "nightlight")
    data = "" if data_folder == Path("data") else f" --data {shlex.quote(str(data_folder))}"
    return [
        f"{program} check {CHILD}{data}",
        f"{program} alerts{data}",
        f"env $(cat {shlex.quote(str(data_folder / 'pds' / 'pds.env'))}) {program} trace {CHILD}{data}",
        f"{program} send docs/examples/*.hl7{data}",
        f"{program} extract load docs/examples/extract-monday.csv --authority 301 "
        f'--extracted-at "$(TZ=Europe/London date +%FT%T)"{data}  # two records to mend, as data-officer',
        f'curl -H "Authorization: Bearer $({program} token amber-ehr{data})" -d patient={CHILD} {web}/FHIR/R4/Flag/_search',
    ]


def _as_typed(program: Path) -> str:
    """The program as a person in this folder types it."""
    try:
        return shlex.quote(str(program.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(program))
