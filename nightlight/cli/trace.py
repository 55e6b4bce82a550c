"""`nightlight trace`: one person asks PDS, and it is written down with a purpose before the answer is shown."""

from datetime import datetime
from typing import Annotated

import typer

from domain.actor import Purpose
from domain.errors import InvalidInput
from domain.nhs_number import parse_nhs_number, to_spaced
from domain.trace import (
    Demographics,
    DetailsDiffer,
    Gender,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Traced,
    Verified,
)
from fhir_adapter.pds import open_trace
from fhir_adapter.pds.access import read_access
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.directory import DirectoryReader
from safeguarding.tracing import trace_by_hand

_WHY_NOT = {
    NotVerifiedReason.NOT_CONFIGURED: "no PDS is configured (NIGHTLIGHT_PDS_URL).",
    NotVerifiedReason.UNAVAILABLE: "PDS does not answer. Try again later.",
    NotVerifiedReason.RATE_LIMITED: "PDS is asked too much at the moment. Try again in a minute.",
    NotVerifiedReason.CIRCUIT_OPEN: "PDS did not answer several times. Try again in a minute.",
    NotVerifiedReason.REFUSED: "PDS refuses this application: check its key, key id and API key.",
    NotVerifiedReason.TOO_LITTLE: "the details given, or those that PDS holds, are too few to compare.",
    NotVerifiedReason.UNVERIFIED: "PDS itself has not verified this number.",
}
_PLAIN: dict[type[Traced], str] = {
    Invalidated: "Invalidated: this number was withdrawn, and has no successor. It must not be linked to another.",
    NotFound: "Not found: PDS knows nobody like this.",
    NotUnique: "Not unique: PDS knows several people like this. None of them may be used.",
}


def trace(
    nhs_number: Annotated[
        str, typer.Argument(metavar="[NHS_NUMBER]", help="The number to verify; without it one is found.", show_default=False)
    ] = "",
    family: Annotated[str, typer.Option(help="Family name.", show_default=False)] = "",
    given: Annotated[str, typer.Option(help="Given name.", show_default=False)] = "",
    birth_date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Date of birth.", show_default=False)
    ] = None,
    gender: Annotated[Gender | None, typer.Option(help="Tells several matches apart.", show_default=False)] = None,
    postcode: Annotated[str, typer.Option(help="Tells several matches apart.", show_default=False)] = "",
    purpose: Annotated[Purpose, typer.Option(help="Why you ask: it is written down.")] = Purpose.SUPPORT,
    data: DataFolder = None,
) -> None:
    """Verify an NHS number with PDS, or find the one of a family name and a date of birth. It is audited with name and purpose.

    Exit status 0: verified. 1: not.
    """
    number = parse_nhs_number(nhs_number) if nhs_number else None
    told = Demographics(family, birth_date.date(), given, gender, postcode) if family and birth_date else None
    if told is None and (number is None or family or given or birth_date or gender or postcode):
        raise InvalidInput("details are a family name and a date of birth at least: --family NAME --birth-date YYYY-MM-DD")

    async def work(database: Database, settings: Settings) -> Traced:
        access = read_access(settings, is_production=(await DirectoryReader(database).current()).is_production)
        async with open_trace(access) as pds:
            return await trace_by_hand(database, secret_key(settings), pds, operator(), purpose, number, told)

    traced = on_store(data, work)
    for line in lines_of(traced):
        out.print(line, markup=False)
    raise typer.Exit(0 if isinstance(traced, Verified) else 1)


def lines_of(traced: Traced) -> list[str]:
    """What is said of a trace, in plain words."""
    if isinstance(traced, NotVerified):
        return [f"Not verified: {_WHY_NOT[traced.reason]}"]
    if isinstance(traced, DetailsDiffer):
        different = ", ".join(detail.value for detail in traced.details)
        return [f"Details differ: {different}. Verify identity.", *_sensitive(traced)]
    if isinstance(traced, Verified | Superseded):
        compared = "The details agree." if traced.compared else "No details were given: nothing was compared."
        died = ["PDS says that this person has died: verify identity."] if traced.deceased else []
        return [_headline(traced), compared, *died, *_sensitive(traced)]
    return [_PLAIN[type(traced)]]


def _headline(traced: Verified | Superseded) -> str:
    if isinstance(traced, Verified):
        return f"Verified: {to_spaced(traced.number)} is in PDS."
    return f"Superseded: the number was replaced by {to_spaced(traced.by)}. Use that one."


def _sensitive(traced: Verified | Superseded | DetailsDiffer) -> list[str]:
    sensitive = traced.confidentiality.is_sensitive
    return ["Restricted record: nobody may learn where this person is."] if sensitive else []
