"""What the bench's service holds: authorities, hospital sites, one FHIR client, and the flags, by the same doors as ever.

`rounds` calls `furnish` once on the fresh store; the flags come in as CSV extracts, one for each authority.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from bench.people import Patient, mother, patient
from domain.actor import Actor, ActorKind
from domain.care_setting import CareSetting
from domain.extract import Declaration
from flags_store.authorities import add_authority
from nightlight.demo.sample import COLUMNS
from runtime.client_keys import add_keys
from runtime.clients import SCOPES, Care, Client, add_client
from runtime.clock import england_day, now
from runtime.database import Database
from safeguarding.cds_clients import CdsClient, add_cds_client
from safeguarding.extracts.loading import load_extract
from safeguarding.peers import add_peer
from safeguarding.sites import add_site

AUTHORITIES = tuple(str(code) for code in range(201, 354))
"""As many as England has."""

SITES = tuple(f"R0A{number:02}" for number in range(1, 21))
CLIENT = Client("bench", "R0A", list(SCOPES), Care.BOTH, True)
EHR = "https://ehr.example"
"""Who calls the services of CDS Hooks."""
OPERATOR = Actor(ActorKind.OPERATOR, "bench", "The bench", "nightlight", "operator")

_HELD_FOR = timedelta(days=400)
_UNBORN_FOR = timedelta(days=180)


async def furnish(database: Database, flagged: int, certificate: str, on_flags: Callable[[int], None], unborn: int = 0) -> None:
    """Fill the store. `certificate` (SHA-256) is that of the peer that may ask; `on_flags` hears how many flags are there so far.

    So many mothers hold plans for their `unborn` children.

    Raises RuntimeError where an extract is not whole.
    """
    async with database.transaction() as transaction:
        for code in AUTHORITIES:
            await add_authority(
                transaction, OPERATOR, code, f"Authority {code}", f"01632 960{code}", f"01632 961{code}", live=True,
                rhythm=timedelta(days=2), alert_email=None,
            )  # fmt: skip
        for ods in SITES:
            await add_site(
                transaction, OPERATOR, ods, f"Hospital {ods}", CareSetting.EMERGENCY_DEPARTMENT, organisation_code="R0A",
                organisation_name="Amber Hospitals Trust", safeguarding_phone="01632 960900",
            )  # fmt: skip
        await add_client(transaction, OPERATOR, CLIENT)
        await add_peer(transaction, OPERATOR, "bench-ehr", SITES, certificate=certificate, may_query=True)
    held = 0
    for code, content in extracts(flagged, england_day(now()), unborn=unborn):
        report = await load_extract(database, OPERATOR, code, io.BytesIO(content), Declaration(now()))
        if report.rejected:
            raise RuntimeError(f"{report.rejected} records of an extract were rejected")
        held += report.opened
        on_flags(held)


async def register_key(database: Database, public_key: Mapping[str, Any]) -> None:
    """Let the client and the EHR sign with a key. Once for each store."""
    held = json.dumps({"keys": [public_key]})
    async with database.transaction() as transaction:
        await add_keys(transaction, OPERATOR, CLIENT.id, [public_key])
        await add_cds_client(transaction, OPERATOR, CdsClient(EHR, "R0A", SITES[0], key_set=held))


def extracts(flagged: int, today: date, authorities: Sequence[str] = AUTHORITIES, unborn: int = 0) -> Iterator[tuple[str, bytes]]:
    """Each authority's code and CSV extract; the flagged children, and the mothers, are dealt out to the authorities in turn."""
    for position, code in enumerate(authorities):
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        children = (patient(sequence, flagged) for sequence in range(position, flagged, len(authorities)))
        writer.writerows(_record(child, ("CPP", "LAC")[child.sequence % 2], today, _HELD_FOR) for child in children)
        mothers = (mother(number, flagged) for number in range(position, unborn, len(authorities)))
        writer.writerows(_record(each, "UCPP", today, _UNBORN_FOR) for each in mothers)
        yield code, file.getvalue().encode()


def _record(child: Patient, kind: str, today: date, held_for: timedelta) -> tuple[str, ...]:
    started = today - timedelta(days=1 + child.sequence % held_for.days)
    return (
        child.number, kind, started.isoformat(), "", "", "", child.given_name, child.family_name,
        child.birth_date.isoformat(), f"B-{child.sequence}",
    )  # fmt: skip
