"""Who calls: the JWT of a request becomes the registered EHR that signed it for exactly this address, and for this once.

`door` asks before it reads anything else. Keys are held or fetched from the registered address; used tokens are remembered in
PostgreSQL, for all processes. Sources: CDS Hooks 2.0, "Trusting CDS Clients", "JWT Signing Algorithm"; RFC 8725.
"""

import asyncio

from fhir_adapter.cds_hooks.errors import could_not_check, not_authenticated
from runtime.database import Database
from runtime.endpoints import EndpointError
from runtime.jwks import BadToken, Unverified, Verified, VerifyingKey, parsed_key_set, read_unverified, verify
from runtime.logs import get_logger
from runtime.published_keys import PublishedKeys
from runtime.used_tokens import use_once
from safeguarding.cds_clients import CdsClient, CdsClientReader

ALGORITHMS = frozenset({"ES384", "RS384"})
TYPES = frozenset({"jwt"})

log = get_logger()


class Trust:
    """Lets registered EHRs in. One for each process."""

    def __init__(self, clients: CdsClientReader, keys: PublishedKeys, database: Database) -> None:
        self._clients = clients
        self._keys = keys
        self._database = database
        self._fetches: set[asyncio.Task[tuple[VerifyingKey, ...]]] = set()

    async def admit(self, authorization: str, audience: str) -> CdsClient:
        """The EHR behind an Authorization header.

        Raises Refused (401) for whatever is wrong with it, the same for all, and (503) where its keys cannot be had;
        CouldNotReachStore where nobody can tell.
        """
        scheme, _, token = authorization.partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise BadToken("missing")
            said = read_unverified(token.strip())
            client = await self._registered(said)
            keys = await self._keys_of(client, said)
            verified = verify(token.strip(), keys, audience, algorithms=ALGORITHMS, types=TYPES)
            await self._check_once(client, verified)
        except BadToken as error:
            log.warning("token refused", code=error.reason)
            raise not_authenticated() from None
        return client

    async def knows_origin(self, origin: str) -> bool:
        """Whether browsers may call from there (CORS)."""
        return await self._clients.knows_origin(origin)

    async def _registered(self, said: Unverified) -> CdsClient:
        """The EHR that the token says it is of. Raises BadToken where it is not registered, or names keys elsewhere."""
        client = await self._clients.find(said.issuer)
        if client is None:
            raise BadToken("issuer")
        if said.key_url and said.key_url != client.jku:
            raise BadToken("jku")
        return client

    async def _keys_of(self, client: CdsClient, said: Unverified) -> tuple[VerifyingKey, ...]:
        if client.key_set is not None:
            return parsed_key_set(client.key_set)
        assert client.jku is not None
        fetch = asyncio.create_task(self._keys.find(client.jku, said.kid))
        self._fetches.add(fetch)
        fetch.add_done_callback(self._fetches.discard)
        try:
            return await asyncio.shield(fetch)  # a caller that cannot wait does not spoil it for the next
        except EndpointError:
            raise could_not_check() from None

    async def _check_once(self, client: CdsClient, verified: Verified) -> None:
        if "iat" not in verified.claims:
            raise BadToken("times")
        async with self._database.single() as connection:
            if not await use_once(connection, "cds-services", client.issuer, verified.jti, verified.expires_at):
                raise BadToken("replayed")
