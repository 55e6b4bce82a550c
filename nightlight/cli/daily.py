"""Commands of every day: load an extract, check a number, list alerts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.actor import Purpose
from domain.alert import ChannelName
from domain.answer import CouldNotCheck, Recorded
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from domain.extract import Declaration, Scope
from domain.nhs_number import parse_nhs_number
from nightlight.cli.answers import lines_of, to_json
from nightlight.cli.console import DataFolder, err, on_store, operator, out
from runtime.clock import ENGLAND, now
from runtime.database import Database
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.check import Check
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from safeguarding.extracts.declaring import read_counts, says_when_it_was_taken
from safeguarding.extracts.loading import ExtractReport, load_extract, read_rejects
from safeguarding.extracts.loading import Progress as LoadProgress
from safeguarding.operator_views import alerts_for_operator

extracts = typer.Typer(no_args_is_help=True, help="Extracts that local authorities send.")

_REJECTS_SHOWN = 20

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def check(
    nhs_number: Annotated[
        str, typer.Argument(metavar="NHS_NUMBER", help="Such as 999 000 0018 (quote the spaces).", show_default=False)
    ],
    purpose: Annotated[Purpose, typer.Option(help="Why you look: it is written down.")] = Purpose.SUPPORT,
    as_json: Json = False,
    data: DataFolder = None,
) -> None:
    """Check one NHS number. Nobody is told, and the look is audited with your name and purpose.

    Exit status 0: checked. 1: could not check.
    """
    question = Check(
        actor=operator(), purpose=purpose, trigger=TriggerEvent.COMMAND, identity=Identity(parse_nhs_number(nhs_number)), site="",
        care_setting=CareSetting.UNCLASSIFIED, at=now(), silent=True,
    )  # fmt: skip

    async def work(database: Database, settings: Settings) -> int:
        directory = DirectoryReader(database)
        async with Desk(database, directory, secret_key(settings)) as desk:
            outcome = (await desk.ask(question)).outcome
        assert not isinstance(outcome, Recorded)
        if as_json:
            out.print_json(json.dumps(to_json(outcome)))
        else:
            for line in lines_of(outcome, await directory.current(), None, question.at):
                out.print(line, markup=False)
        return int(isinstance(outcome, CouldNotCheck))

    raise typer.Exit(on_store(data, work))


def alerts(
    authority: Annotated[str | None, typer.Option(help="Only this authority's.", show_default=False)] = None,
    as_json: Json = False,
    data: DataFolder = None,
) -> None:
    """List the newest alerts with their state, site, encounter and deliveries; no patient is shown."""

    async def work(database: Database, _: Settings) -> list[dict[str, object]]:
        async with database.transaction() as transaction:
            rows = await alerts_for_operator(transaction, authority)
        return [
            {
                "id": str(alert.id), "authority": alert.authority_code, "state": alert.state, "reason": alert.reason,
                "raised_at": alert.raised_at.isoformat(), "site": alert.site, "encounter": str(alert.encounter_id),
                "encounter_state": alert.encounter_state, "acknowledged_by": alert.acknowledged_by, "answer": alert.answer,
                "deliveries": [
                    {"channel": each.channel, "notice": each.notice, "state": each.state, "attempts": each.attempts}
                    for each in lines
                ],
            }
            for alert, lines in rows
        ]  # fmt: skip

    rows = on_store(data, work)
    if as_json:
        out.print_json(json.dumps(rows))
        return
    table = Table("Raised", "Authority", "State", "Why", "Site", "Encounter", "Deliveries", box=None)
    for row in rows:
        deliveries = row["deliveries"]
        assert isinstance(deliveries, list)
        told = ", ".join(f"{ChannelName(line['channel']).words} {line['state']}" for line in deliveries)
        raised = datetime.fromisoformat(str(row["raised_at"])).astimezone(ENGLAND)
        cells = (row["authority"], row["state"], row["reason"], row["site"], row["encounter"], told)
        table.add_row(f"{raised:%d %b %H:%M:%S}", *map(str, cells))
    out.print(table if rows else "No alerts.")


@extracts.command("load")
def extract_load(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            readable=True,
            show_default=False,
            help="CSV, the dataset as a zip or as a folder of its tables, or HL7 V3 XML; how it begins says which.",
        ),
    ],
    authority: Annotated[str, typer.Option(help="Code of the authority that it comes from.")],
    extracted_at: Annotated[
        datetime | None,
        typer.Option(
            help="When it was taken from the authority's system (England's time); default: when the file was last changed. "
            "XML says it itself.",
            show_default=False,
        ),
    ] = None,
    scope: Annotated[
        Scope, typer.Option(help="Whether it names every open plan of the authority, or what changed. It ends nothing by itself.")
    ] = Scope.PARTIAL,
    counts: Annotated[
        str,
        typer.Option(
            metavar="CPP=12,LAC=40", help="How many open plans the authority holds: differences are named.", show_default=False
        ),
    ] = "",
    sensitive: Annotated[bool, typer.Option("--sensitive", help="Every child in it is shown masked from the first day.")] = False,
    data: DataFolder = None,
) -> None:
    """Load an authority's extract and print the report.

    Exit status 0: all accepted. 2: some rejected, or held for a second person. 1: nothing loaded.
    """
    declaration = Declaration(_taken(file, extracted_at), scope, sensitive, read_counts(counts))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())

    async def work(database: Database, _: Settings) -> ExtractReport:
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("reading", total=None)

            def show(progress: LoadProgress) -> None:
                bar.update(task, description=progress.step.value, completed=progress.done, total=progress.total)

            report = await load_extract(database, operator(), authority, file, declaration, on_progress=show)
        out.print(report.words, markup=False)
        if report.rejected:
            async with database.transaction() as transaction:
                shown = await read_rejects(transaction, operator(), authority, report.id, limit=_REJECTS_SHOWN)
            for reject in shown:
                out.print(f"{reject.place or f'line {reject.line}'}, {reject.field}: {reject.reason} ({reject.code})", markup=False)
            if report.rejected > len(shown):
                out.print(f"… and {report.rejected - len(shown)} more: the data officer sees all of them on the page.")
        return report

    raise typer.Exit(_load_status(on_store(data, work)))


def _taken(file: Path, extracted_at: datetime | None) -> datetime | None:
    """When the extract was taken; None where the file says so itself."""
    if file.is_file():
        with file.open("rb") as stream:
            if says_when_it_was_taken(stream.read(256)):
                return None
    if extracted_at:
        return extracted_at.replace(tzinfo=ENGLAND)
    newest = max((each.stat().st_mtime for each in file.iterdir()), default=0.0) if file.is_dir() else file.stat().st_mtime
    return datetime.fromtimestamp(newest, UTC)


def _load_status(report: ExtractReport) -> int:
    if report.accepted + report.held == 0:
        return 1
    return 2 if report.rejected or report.held else 0
