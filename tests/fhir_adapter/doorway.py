"""The FHIR door on a furnished house: real PostgreSQL, real desk, registered clients, their tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from domain.care_setting import CareSetting
from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.exchange import Parts
from runtime.clients import SCOPES, Care, Client, ClientReader, TokenVerifier, add_client, sign_token
from runtime.database import Database
from safeguarding.sites import add_site
from tests.fhir_adapter.asking import Response, ask
from tests.safeguarding.house import CHILD, KEY, OPERATOR, House, open_house

BASE_URL = "https://hospital.example/FHIR/R4"
FORM = "application/x-www-form-urlencoded"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"

CLIENTS = {
    "both-app": Client("both-app", "R0A", list(SCOPES), Care.BOTH, True),
    "scheduled-app": Client("scheduled-app", "R0A", list(SCOPES), Care.SCHEDULED, True),
    "unscheduled-app": Client("unscheduled-app", "R0A", list(SCOPES), Care.UNSCHEDULED, True),
    "flags-only-app": Client("flags-only-app", "R0A", ["system/Flag.rs"], Care.BOTH, True),
    "auditor-app": Client("auditor-app", "R0A", ["system/AuditEvent.rs"], Care.SCHEDULED, True, auditor=True),
    "siteless-app": Client("siteless-app", "R0Z", list(SCOPES), Care.BOTH, True),
}


@dataclass(frozen=True, slots=True)
class Doorway:
    """The application, and the house behind it."""

    app: FhirDoor
    house: House

    async def get(self, target: str, client: str = "both-app", **headers: str) -> Response:
        """GET as a client; header names with underscores for hyphens."""
        return await ask(self.app, "GET", target, _headers(client, headers))

    async def post(self, target: str, form: str, client: str = "both-app", **headers: str) -> Response:
        """POST a form as a client."""
        sent = {"content-type": FORM, **_headers(client, headers)}
        return await ask(self.app, "POST", target, sent, form.encode("latin-1"))

    async def search(self, number: str = CHILD, client: str = "both-app", **headers: str) -> Response:
        """The recommended search: by POST, for one patient's flags."""
        form = urlencode({"patient:identifier": f"{NHS_NUMBER}|{number}"})
        return await self.post("/Flag/_search", form, client, **headers)


def _headers(client: str, headers: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"authorization": f"Bearer {token(client)}", **named}


def token(client: str) -> str:
    return sign_token(KEY, CLIENTS[client])


def encoded(text: str) -> str:
    return quote(text, safe="")


@asynccontextmanager
async def open_doorway(service_url: str) -> AsyncIterator[Doorway]:
    async with open_house(service_url) as house:
        await furnish_clients(house.database)
        yield Doorway(open_door(house, BASE_URL), house)


def open_door(house: House, base_url: str) -> FhirDoor:
    access = Access(TokenVerifier(KEY), ClientReader(house.database, kept_seconds=0))
    return FhirDoor(Parts(house.desk, house.directory, house.database, base_url, KEY), access)


async def furnish_clients(database: Database) -> None:
    """The clients, and services of other kinds: R0A03 (outpatients), R0B01 (of another trust), R0C01 (private)."""
    async with database.transaction() as transaction:
        await add_site(transaction, OPERATOR, "R0A03", "Amber Outpatients", CareSetting.OUTPATIENT)
        await add_site(transaction, OPERATOR, "R0B01", "Birch Infirmary", CareSetting.EMERGENCY_DEPARTMENT)
        await add_site(transaction, OPERATOR, "R0A04", "Amber SARC", CareSetting.SARC)
        await transaction.execute("INSERT INTO organisations (ods_code, name) VALUES ('R0Z', 'Without sites')")
        for client in CLIENTS.values():
            await add_client(transaction, OPERATOR, client)
