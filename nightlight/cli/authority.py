"""Commands that set up local authorities, who send extracts and are told: `nightlight authority add | details`."""

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from domain.errors import InvalidInput
from flags_store.authorities import OFFICE_HOURS, Hours, add_authority
from flags_store.authority_details import SCHEMES, Details, check_phone, update_authority
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.onboarding.reading import read_is_production

authorities = typer.Typer(no_args_is_help=True, help="Local authorities: who sends extracts and is told.")

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d:\d\d)-(\d\d:\d\d)")

Code = Annotated[str, typer.Argument(help="The authority's code, such as 301.", show_default=False)]


@authorities.command("add")
def authority_add(
    code: Code,
    name: Annotated[str, typer.Option(help="Its name.")],
    office_phone: Annotated[str, typer.Option(help="Phone in office hours.")],
    emergency_phone: Annotated[str, typer.Option(help="Phone of the emergency duty team at all other hours.")],
    hours: Annotated[
        list[str] | None,
        typer.Option(
            help='Office hours, such as "mon-thu 08:45-17:00"; repeat it. Default: mon-fri 08:45-17:00.', show_default=False
        ),
    ] = None,
    email: Annotated[str | None, typer.Option(help="The team's mailbox for alerts.", show_default=False)] = None,
    rhythm_hours: Annotated[float, typer.Option(help="Longest time between extracts before its feed is late.")] = 24,
    live: Annotated[
        bool, typer.Option("--live", help="Show its flags at once, in a test store; otherwise it is setting up.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Add a local authority."""
    stretches = parse_hours(hours) if hours else OFFICE_HOURS
    check_phone(office_phone)
    check_phone(emergency_phone)

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            if live and await read_is_production(transaction):
                raise InvalidInput("in a production store an authority goes live step by step: add it without --live")
            await add_authority(
                transaction, operator(), code, name, office_phone, emergency_phone, alert_email=email, hours=stretches,
                rhythm=timedelta(hours=rhythm_hours), live=live,
            )  # fmt: skip

    on_store(data, work)
    out.print(f"Added authority {code}, {name}, {'live' if live else 'setting up'}.", markup=False)


Scheme = StrEnum("Scheme", {name: name for name in SCHEMES})  # type: ignore[misc]


@authorities.command("details")
def authority_details(
    code: Code,
    name: Annotated[str | None, typer.Option(help="Its name.", show_default=False)] = None,
    office_phone: Annotated[str | None, typer.Option(help="Phone in office hours.", show_default=False)] = None,
    emergency_phone: Annotated[str | None, typer.Option(help="Phone of the emergency duty team.", show_default=False)] = None,
    email: Annotated[str | None, typer.Option(help='The team\'s mailbox for alerts; "" takes it away.', show_default=False)] = None,
    data_email: Annotated[
        str | None, typer.Option(help='Its data officers\' mailbox; "" takes it away.', show_default=False)
    ] = None,
    mesh_mailbox: Annotated[
        str | None, typer.Option(help='The MESH mailbox that it sends from; "" takes it away.', show_default=False)
    ] = None,
    gss_code: Annotated[
        str | None, typer.Option(help="Its code in postcode directories, such as E10000099.", show_default=False)
    ] = None,
    code_scheme: Annotated[Scheme | None, typer.Option(help="Whose code its code is.", show_default=False)] = None,
    successor: Annotated[
        str | None,
        typer.Option(metavar="CODE", help='The authority that has taken its place; "" takes it back.', show_default=False),
    ] = None,
    shrink_share: Annotated[
        float | None,
        typer.Option(help="Share of its open plans that one extract may end, such as 0.1.", show_default=False),
    ] = None,
    surge_share: Annotated[
        float | None,
        typer.Option(help="Share by which they may grow before somebody confirms, such as 0.5.", show_default=False),
    ] = None,
    rhythm_hours: Annotated[
        float | None, typer.Option(help="Longest time between extracts before its feed is late.", show_default=False)
    ] = None,
    short_breaks: Annotated[
        bool | None, typer.Option(help="Care that is short breaks alone counts as looked after.", show_default=False)
    ] = None,
    data: DataFolder = None,
) -> None:
    """Change what an authority has set; what is not named stays as it is. A phone that has changed must be tested again."""
    given = {
        "name": name, "office_phone": office_phone, "emergency_phone": emergency_phone, "alert_email": email,
        "data_email": data_email, "mesh_mailbox": mesh_mailbox, "gss_code": gss_code,
        "code_scheme": code_scheme.value if code_scheme else None, "successor_code": successor, "shrink_share": shrink_share,
        "surge_share": surge_share, "rhythm": None if rhythm_hours is None else timedelta(hours=rhythm_hours),
        "short_breaks": short_breaks,
    }  # fmt: skip
    changes: Details = {name: value for name, value in given.items() if value is not None}  # type: ignore[assignment]

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await update_authority(transaction, operator(), code, **changes)

    on_store(data, work)
    out.print(f"Authority {code}: changed {', '.join(sorted(changes)).replace('_', ' ')}.", markup=False)


def parse_hours(lines: list[str]) -> tuple[Hours, ...]:
    """Office hours from words such as "mon-thu 08:45-17:00". Raises InvalidInput."""
    hours: list[Hours] = []
    for line in lines:
        found = _HOURS.fullmatch(line.strip().lower())
        if not found or found[1] not in _DAYS or (found[2] or found[1]) not in _DAYS:
            raise InvalidInput(f'hours are written like "mon-fri 08:45-17:00", not "{line}"')
        first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
        try:
            opens, closes = time.fromisoformat(found[3]), time.max if found[4] == "24:00" else time.fromisoformat(found[4])
        except ValueError:
            raise InvalidInput(f'"{line}" holds no time of day') from None
        if last < first or closes <= opens:
            raise InvalidInput(f'"{line}" ends before it begins')
        hours += [Hours(weekday + 1, opens, closes) for weekday in range(first, last + 1)]
    return tuple(hours)
