"""The token endpoint on a real store: clients whose keys are registered, and how they ask."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fhir_adapter.smart.configuration import ASSERTION_TYPE, TOKEN_PATH, token_url
from fhir_adapter.smart.endpoint import TokenEndpoint
from runtime.client_keys import add_keys
from runtime.clients import ClientReader
from runtime.database import Database
from runtime.endpoints import Endpoints
from runtime.published_keys import PublishedKeys
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.doorway import BASE_URL, FORM, Doorway
from tests.runtime.signing import Signer, claims_of, signer
from tests.safeguarding.house import KEY, OPERATOR

AUDIENCE = token_url(BASE_URL)
RSA, RSA512, EC, OTHERS = signer("RS384", "rsa"), signer("RS512", "rsa-512"), signer("ES384", "ec"), signer("ES384", "others")


@dataclass(frozen=True, slots=True)
class Office:
    """The endpoint, and the door that takes its tokens."""

    app: Any
    door: Doorway
    published: PublishedKeys

    async def ask(self, assertion: str, **changes: str | None) -> Response:
        """Ask for a token; a field of the form that is None is left out."""
        return await self.post(urlencode(form(assertion, **changes)).encode())

    async def post(self, body: bytes, content_type: str = FORM) -> Response:
        return await ask(self.app, "POST", "/token", {"content-type": content_type}, body, TOKEN_PATH.rpartition("/")[0])

    async def token(self, scope: str | None = None, key: Signer = EC, client: str = "both-app") -> str:
        """A token that is had in the good way."""
        response = await self.ask(key.sign(claims_of(client, AUDIENCE)), scope=scope)
        assert response.status == 200, response.body
        return str(response.json["access_token"])

    async def get(self, token: str, target: str = "/Flag?patient=9990000018") -> Response:
        """Ask the FHIR door with a token."""
        return await ask(self.door.app, "GET", target, {"authorization": f"Bearer {token}"})


def form(assertion: str, **changes: str | None) -> dict[str, str]:
    usual = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def endpoint(database: Database, published: PublishedKeys) -> TokenEndpoint:
    """One process's endpoint."""
    return TokenEndpoint(database, ClientReader(database, kept_seconds=0), published, KEY, AUDIENCE)


async def open_office(doorway: Doorway) -> Office:
    published = PublishedKeys(Endpoints(("127.0.0.1",)))
    async with doorway.house.database.transaction() as transaction:
        await add_keys(transaction, OPERATOR, "both-app", [key.public() for key in (RSA, RSA512, EC)])
        await add_keys(transaction, OPERATOR, "flags-only-app", [OTHERS.public()])
    return Office(endpoint(doorway.house.database, published), doorway, published)
