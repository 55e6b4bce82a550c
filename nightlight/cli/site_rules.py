"""Commands for a site's care-setting rules: `nightlight site rule list | add | remove`, `nightlight site unclassified`."""

from typing import Annotated

import typer
from rich.table import Column, Table

from domain.care_setting import CareSetting
from domain.errors import InvalidInput
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.arrivals import Arrivals, count_arrivals
from safeguarding.care_settings import SITES_OWN
from safeguarding.directory import CareSettingRule
from safeguarding.rule_words import setting_in_words
from safeguarding.rules import add_rule, read_rules, remove_rule

OWN = "own"

rules = typer.Typer(no_args_is_help=True, help="Which arrivals at a site are in which care setting.")

Site = Annotated[str, typer.Argument(metavar="SITE", help="ODS code of the site.", show_default=False)]
Codes = Annotated[str, typer.Option(help="Codes with commas between; none fits anything.")]


@rules.command("list")
def rule_list(site: Site, data: DataFolder = None) -> None:
    """Show a site's rules in the order in which they are tried: the first that fits decides."""

    async def work(database: Database, _: Settings) -> list[CareSettingRule]:
        async with database.transaction() as transaction:
            return await read_rules(transaction, site.upper())

    table = Table("", "PV1-2", "PV1-4", "PV1-10", "PV1-3 begins with", "care setting", "told")
    for place, rule in enumerate(on_store(data, work), start=1):
        table.add_row(
            str(place), _codes(rule.patient_classes), _codes(rule.admission_methods), _codes(rule.treatment_functions),
            rule.location_prefix or "any", *setting_in_words(rule.setting),
        )  # fmt: skip
    out.print(table)
    out.print("What fits none is unclassified, and the authority is told. Try a message: nightlight hl7 explain FILE", markup=False)


@rules.command("add")
def rule_add(
    site: Site,
    setting: Annotated[str, typer.Option(help="A care setting, such as outpatient; 'own' is the site's.", show_default=False)],
    patient_class: Codes = "",
    admission_method: Codes = "",
    treatment_function: Codes = "",
    location: Annotated[str, typer.Option(help="How PV1-3 begins.")] = "",
    at: Annotated[int | None, typer.Option(help="Its place, from 1.", show_default="the last")] = None,
    data: DataFolder = None,
) -> None:
    """Add a rule. What it names must all fit. It holds for messages that arrive a few seconds from now."""
    rule = CareSettingRule(
        _read_codes(patient_class), _read_codes(admission_method), _read_codes(treatment_function), location.strip(),
        _read_setting(setting),
    )  # fmt: skip

    async def work(database: Database, _: Settings) -> int:
        async with database.transaction() as transaction:
            return await add_rule(transaction, operator(), site.upper(), rule, at)

    out.print(f"Added as rule {on_store(data, work)} of {site.upper()}.", markup=False)


@rules.command("remove")
def rule_remove(
    site: Site, place: Annotated[int, typer.Argument(help="Its place, as `rule list` shows it.")], data: DataFolder = None
) -> None:
    """Take a rule away. The ones behind it move up."""

    async def work(database: Database, _: Settings) -> CareSettingRule:
        async with database.transaction() as transaction:
            return await remove_rule(transaction, operator(), site.upper(), place)

    out.print(f"Removed rule {place} of {site.upper()} ({on_store(data, work).setting.value}).", markup=False)


def site_unclassified(data: DataFolder = None) -> None:
    """Show for each site how many arrivals of the last 7 and 30 days fitted no rule. A site goes live below 1 %."""

    async def work(database: Database, _: Settings) -> list[Arrivals]:
        async with database.transaction() as transaction:
            return await count_arrivals(transaction)

    table = Table("site", Column("last", no_wrap=True), "arrivals", "unclassified", "share", "below 1 %")
    for arrivals in on_store(data, work):
        fit = "nobody arrived" if not arrivals.total else "yes" if arrivals.may_go_live else "no"
        over = f"{arrivals.days} days" if arrivals.is_whole else f"{arrivals.days} days, counted since {arrivals.since:%d %b %Y}"
        table.add_row(arrivals.site, over, str(arrivals.total), str(arrivals.unclassified), f"{arrivals.share:.1%}", fit)
    out.print(table)


def _read_codes(text: str) -> frozenset[str]:
    return frozenset(code.strip().upper() for code in text.split(",") if code.strip())


def _read_setting(text: str) -> CareSetting:
    if text == OWN:
        return SITES_OWN
    known = [each.value for each in CareSetting if each is not SITES_OWN]
    if text not in known:
        raise InvalidInput(f"{text} is no care setting: choose {OWN}, {', '.join(known)}")
    return CareSetting(text)


def _codes(codes: frozenset[str]) -> str:
    return ", ".join(sorted(codes)) or "any"
