"""Commands for what an authority's own words mean in its datasets: `nightlight authority status-word set | list | remove`."""

from typing import Annotated

import typer
from rich.table import Table

from flags_store.ssd_terms import read_statuses, remove_status, set_status
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings

status_words = typer.Typer(no_args_is_help=True, help="What an authority's own words for legal statuses and reasons mean.")

Code = Annotated[str, typer.Argument(metavar="AUTHORITY", help="The authority's code, such as 301.", show_default=False)]
Words = Annotated[str, typer.Argument(metavar="WORDS", help="The words, as the report of an extract has them.", show_default=False)]


@status_words.command("set")
def status_word_set(
    authority: Code,
    words: Words,
    code: Annotated[str, typer.Argument(help="What they mean: C2, V4, X1, E11 …", show_default=False)],
    data: DataFolder = None,
) -> None:
    """Say what words mean in this authority's Standard Safeguarding Datasets, from the next one on."""

    async def work(database: Database, _: Settings) -> str:
        async with database.transaction() as transaction:
            return await set_status(transaction, operator(), authority, words, code)

    out.print(f"For authority {authority}, “{on_store(data, work)}” means {code.strip().upper()}.", markup=False)


@status_words.command("list")
def status_word_list(authority: Code, data: DataFolder = None) -> None:
    """Show what an authority has said of its words. National codes and descriptions need no telling."""

    async def work(database: Database, _: Settings) -> dict[str, str]:
        async with database.transaction() as transaction:
            return await read_statuses(transaction, authority)

    table = Table("words", "code")
    for words, code in on_store(data, work).items():
        table.add_row(words, code)
    out.print(table)


@status_words.command("remove")
def status_word_remove(authority: Code, words: Words, data: DataFolder = None) -> None:
    """Forget what words mean: they are unknown from then on, and such care counts."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await remove_status(transaction, operator(), authority, words)

    on_store(data, work)
    out.print(f"Authority {authority} has no code for these words any more.", markup=False)
