"""The door of CDS Hooks on a furnished house: real PostgreSQL, real desk, registered EHRs with keys of their own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from domain.care_setting import CareSetting
from fhir_adapter.cds_hooks.door import CdsHooksDoor
from fhir_adapter.cds_hooks.parts import PATH, CdsParts, Patience
from fhir_adapter.cds_hooks.services import ENCOUNTER_START, PATIENT_VIEW, Service
from fhir_adapter.cds_hooks.trust import Trust
from runtime.endpoints import Endpoints
from runtime.published_keys import PublishedKeys
from safeguarding.cds_clients import CdsClient, CdsClientReader, add_cds_client
from safeguarding.sites import add_site
from tests.fhir_adapter.asking import Response, ask
from tests.safeguarding.house import CHILD, OPERATOR, House, open_house

BASE = "https://nightlight.example"
PATIENT = Patience(60, 60, 60, 60)
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
STATUS = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"


@cache
def key_pair(kind: str, kid: str = "one") -> Key:
    if kind == "EC":
        return ECKey.generate_key("P-384", {"kid": kid, "use": "sig"})
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def key_set(*keys: Key) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


@dataclass(frozen=True, slots=True)
class Ehr:
    """A registered EHR, as it signs."""

    issuer: str
    key: Key = field(default_factory=lambda: key_pair("EC"))
    algorithm: str = "ES384"
    jku: str | None = None

    def token(self, audience: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token, but for what is changed; a claim that is None is left out."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": audience, "exp": now + 300, "iat": now, "jti": str(uuid4()), **claims}
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.key.kid, **({"jku": self.jku} if self.jku else {})} | (
            header or {}
        )
        head, said = ({name: value for name, value in part.items() if value is not None} for part in (head, said))
        algorithm = head.get("alg", self.algorithm)
        return jws.serialize_compact(head, json.dumps(said), self.key, algorithms=[algorithm])

    @property
    def origin(self) -> str:
        return self.issuer


AMBER = Ehr("https://ehr.amber.example")
CLINIC = Ehr("https://clinic.amber.example", key_pair("RSA"), "RS384")
KEEN = Ehr("https://keen.amber.example")
DISABLED = Ehr("https://disabled.amber.example")


def patient(number: str | None = CHILD, **changes: Any) -> dict[str, Any]:
    """A Patient as a UK EHR has it."""
    status = {"coding": [{"code": "number-present-and-verified"}]}
    nhs = {"extension": [{"url": STATUS, "valueCodeableConcept": status}], "system": NHS_NUMBER, "value": number}
    local = {"system": "https://amber.example/Id/local", "value": "A-4711"}
    return {
        "resourceType": "Patient",
        "id": "pat-1",
        "identifier": [local, *([nhs] if number else [])],
        "name": [{"use": "official", "family": "Example", "given": ["Ada"]}],
        "birthDate": "2018-05-06",
        **changes,
    }


def request(service: Service = PATIENT_VIEW, **changes: Any) -> dict[str, Any]:
    """A call of the service; what is None is left out."""
    context = {"userId": "Practitioner/pra-1", "patientId": "pat-1"}
    if service is ENCOUNTER_START:
        context["encounterId"] = "enc-1"
    said = {
        "hook": service.hook,
        "hookInstance": str(uuid4()),
        "context": context | changes.pop("context", {}),
        "prefetch": {"patient": patient()},
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


@dataclass(slots=True)
class Clinic:
    """The application, the house behind it, and how the tests call."""

    app: CdsHooksDoor
    house: House
    clients: CdsClientReader
    base: str = BASE

    async def send(
        self, method: str, path: str, body: Any = None, ehr: Ehr = AMBER, token: str | None = None, **headers: str
    ) -> Response:
        """One exchange, with a good token unless another is given."""
        token = ehr.token(self.base + PATH + path) if token is None else token
        sent = {"authorization": f"Bearer {token}"} if token else {}
        sent |= {"content-type": "application/json"} if method == "POST" else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return await ask(self.app, method, path, sent, raw, PATH)  # type: ignore[arg-type]

    async def call(self, service: Service = PATIENT_VIEW, ehr: Ehr = AMBER, **changes: Any) -> Response:
        return await self.send("POST", f"/{service.id}", request(service, **changes), ehr)

    async def view(self, number: str | None = CHILD, ehr: Ehr = AMBER, **changes: Any) -> list[dict[str, Any]]:
        """The cards for a patient whose record is opened."""
        return await self._cards(PATIENT_VIEW, number, ehr, changes)

    async def start(self, number: str | None = CHILD, ehr: Ehr = AMBER, **changes: Any) -> list[dict[str, Any]]:
        """The cards for a patient whose encounter begins."""
        return await self._cards(ENCOUNTER_START, number, ehr, changes)

    async def _cards(self, service: Service, number: str | None, ehr: Ehr, changes: dict[str, Any]) -> list[dict[str, Any]]:
        details = {name: changes.pop(name) for name in ("name", "birthDate", "id", "identifier") if name in changes}
        response = await self.call(service, ehr, **{"prefetch": {"patient": patient(number, **details)}, **changes})
        assert response.status == 200, response.body
        cards: list[dict[str, Any]] = response.json["cards"]
        return cards

    async def feedback(self, said: list[dict[str, Any]], service: Service = PATIENT_VIEW, ehr: Ehr = AMBER) -> Response:
        return await self.send("POST", f"/{service.id}/feedback", {"feedback": said}, ehr)


def walk(value: Any) -> Iterator[Any]:
    """Every value of an answer, itself too."""
    yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(each)


@asynccontextmanager
async def open_clinic(service_url: str, base: str = BASE, endpoints: Endpoints | None = None) -> AsyncIterator[Clinic]:
    """Nothing here depends on how fast the machine is: all the time in the world, unless a test says otherwise."""
    async with open_house(service_url) as house:
        await furnish(house)
        yield make_clinic(house, base, endpoints)


def make_clinic(house: House, base: str = BASE, endpoints: Endpoints | None = None, patience: Patience = PATIENT) -> Clinic:
    endpoints = endpoints or Endpoints()
    clients = CdsClientReader(house.database, kept_seconds=0)
    parts = CdsParts(house.desk, house.directory, house.database, endpoints, lambda path: base + path, patience)
    trust = Trust(clients, PublishedKeys(endpoints), house.database)
    return Clinic(CdsHooksDoor(parts, trust), house, clients, base)


async def furnish(house: House) -> None:
    """A clinic of scheduled care beside the emergency department, and the EHRs."""
    registered = [
        CdsClient(AMBER.issuer, "R0A", key_set=held(AMBER), origins=(AMBER.origin,)),
        CdsClient(CLINIC.issuer, "R0A", "R0A03", key_set=held(CLINIC), origins=(CLINIC.origin,)),
        CdsClient(KEEN.issuer, "R0A", "R0A01", key_set=held(KEEN), info_card=True),
        CdsClient(DISABLED.issuer, "R0A", key_set=held(DISABLED), origins=(DISABLED.origin,)),
    ]
    async with house.database.transaction() as transaction:
        await add_site(transaction, OPERATOR, "R0A03", "Amber Outpatients", CareSetting.OUTPATIENT)
        for client in registered:
            await add_cds_client(transaction, OPERATOR, client)
        await transaction.execute("UPDATE cds_clients SET disabled_at = now() WHERE issuer = %s", (DISABLED.issuer,))
    house.directory.forget()


def held(ehr: Ehr) -> str:
    return json.dumps(key_set(ehr.key))


async def register(house: House, client: CdsClient) -> None:
    async with house.database.transaction() as transaction:
        await add_cds_client(transaction, OPERATOR, client)


def by(ehr: Ehr, **changes: Any) -> Ehr:
    return replace(ehr, **changes)


async def all_at_once(*calls: Any) -> list[Any]:
    return list(await asyncio.gather(*calls))
