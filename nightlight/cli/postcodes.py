"""`nightlight postcodes load`: the postcode directory by which a report says whether a child lives in the authority's area."""

from pathlib import Path
from typing import Annotated

import typer

from flags_store.postcodes import read_directory, replace_directory
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings

postcodes = typer.Typer(no_args_is_help=True, help="The postcode directory behind “in area”.")


@postcodes.callback()
def postcodes_command() -> None:
    """The postcode directory behind “in area”."""


@postcodes.command("load")
def postcodes_load(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV of the ONS Postcode Directory.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Option(help="What it is called in reports, such as “ONSPD August 2026”.")] = "",
    data: DataFolder = None,
) -> None:
    """Load a postcode directory in the place of the one before. An authority gets its code with `authority details --gss-code`."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        districts = read_directory(lines)

    async def work(database: Database, _: Settings) -> int:
        async with database.transaction() as transaction:
            return await replace_directory(transaction, operator(), name or file.stem, districts)

    out.print(f"Loaded {on_store(data, work)} postcode districts from {file.name}.", markup=False)
