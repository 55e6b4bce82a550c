"""Commands about the monthly sample: `nightlight authority sample draw | list`. Nobody's name is printed: the page shows them."""

from typing import Annotated

import typer
from rich.table import Table

from nightlight.cli.authority import Code
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import now
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.samples import OverdueSample, Sample, draw_sample, list_samples, overdue_samples

samples = typer.Typer(no_args_is_help=True, help="The monthly sample of an authority's plans, compared by hand with its system.")


@samples.command("draw")
def sample_draw(
    code: Code,
    seed: Annotated[int | None, typer.Option(help="Draw by this number, to repeat a draw.", show_default="by chance")] = None,
    data: DataFolder = None,
) -> None:
    """Draw this month's sample. The authority's data officer sees and marks it on the page /samples."""

    async def work(database: Database, _: Settings) -> Sample:
        async with database.transaction() as transaction:
            return await draw_sample(transaction, operator(), code, seed)

    sample = on_store(data, work)
    words = (
        f"Drew {sample.records} of {sample.drawn_from} open plans of authority {code} for {sample.month:%B %Y}, seed {sample.seed}"
    )
    out.print(f"{words}. Its data officer compares them on the page /samples.", markup=False)


@samples.command("list")
def sample_list(
    code: Annotated[str | None, typer.Argument(help="The authority's code; none shows all.", show_default=False)] = None,
    data: DataFolder = None,
) -> None:
    """Show the samples with their results, and those that are overdue. Nobody's name is in them."""

    async def work(database: Database, _: Settings) -> tuple[list[Sample], list[OverdueSample]]:
        async with database.transaction() as transaction:
            return await list_samples(transaction, code), await overdue_samples(transaction, now())

    found, overdue = on_store(data, work)
    table = Table("month", "authority", "records", "right", "wrong", "not found", "waiting", "result", "seed")
    for each in found:
        result = "none yet" if each.share_right is None else f"{each.share_right:.0%} right"
        table.add_row(
            f"{each.month:%B %Y}", each.authority_code, str(each.records), str(each.right), str(each.wrong), str(each.not_found),
            str(each.waiting), result, str(each.seed),
        )  # fmt: skip
    out.print(table)
    for late in overdue:
        if code in {None, late.authority_code}:
            left = "it was not drawn" if late.waiting is None else f"{late.waiting} records wait"
            out.print(f"Overdue: {late.month:%B %Y} of authority {late.authority_code}, {left}.", markup=False)
