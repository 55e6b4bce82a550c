"""Who may come in: a bearer token becomes the registered client that it was signed for, with the scope that is needed.

`app` asks before it reads anything else of a request. Verified tokens are remembered until they run out, clients for
three seconds at most. Sources: RFC 6750 (bearer tokens); SMART App Launch 2.2 (system scopes).
"""

import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import replace

from domain.errors import NotAllowed
from fhir_adapter.errors import NOT_ALLOWED, NOT_AUTHENTICATED, Refused
from runtime.clients import Client, ClientReader, TokenVerifier, VerifiedToken
from runtime.scopes import grant, permits

MOST_TOKENS = 4096
_LONGEST_TOKEN = 4096
_REALM = 'Bearer realm="Nightlight FHIR"'


class Access:
    """Lets registered clients in. One for each process."""

    def __init__(self, verifier: TokenVerifier, clients: ClientReader) -> None:
        self._verifier = verifier
        self._clients = clients
        self._verified: OrderedDict[str, VerifiedToken] = OrderedDict()

    async def admit(self, authorization: str, scope: str, letter: str = "") -> Client:
        """The client behind an Authorization header, whose token and registration both hold what is needed.

        Its scopes are those that its token was given.
        That is the whole scope, or one letter of it: "s" of system/Flag.rs for a search.
        Raises Refused (401) for no token, a bad one, or a client that is not enabled, and (403) for a missing scope;
        CouldNotReachStore where nobody can tell.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refused(NOT_AUTHENTICATED, "A bearer token is needed.", {"www-authenticate": _REALM})
        verified = self.verified(token.strip())
        client = await self._clients.find(verified.client_id)
        if client is None or not client.enabled or client.generation != verified.generation:
            raise _invalid_token()
        if not (_allows(verified.scopes, scope, letter) and _allows(client.scopes, scope, letter)):
            challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
            raise Refused(NOT_ALLOWED, f"The client and its token need the scope {scope}.", {"www-authenticate": challenge})
        same = set(verified.scopes) == set(client.scopes)
        return client if same else replace(client, scopes=grant(verified.scopes, client.scopes))

    def verified(self, token: str) -> VerifiedToken:
        """What a token says. Raises Refused (401) for one that is not ours or has run out."""
        known = self._verified.get(token)
        if known is None or known.expires_at <= time.time():
            known = self._verify(token)
            self._verified[token] = known
            while len(self._verified) > MOST_TOKENS:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(token)
        return known

    def _verify(self, token: str) -> VerifiedToken:
        self._verified.pop(token, None)
        try:
            if len(token) > _LONGEST_TOKEN:
                raise NotAllowed
            return self._verifier.verify(token)
        except NotAllowed:
            raise _invalid_token() from None


def _allows(held: Collection[str], scope: str, letter: str) -> bool:
    """Whether scopes hold one, or at least what one interaction needs of it."""
    return scope in held or permits(held, f"{scope.rpartition('.')[0]}.{letter}" if letter else scope)


def _invalid_token() -> Refused:
    challenge = f'{_REALM}, error="invalid_token"'
    words = "The bearer token is not valid, has run out, or belongs to a client that is not enabled."
    return Refused(NOT_AUTHENTICATED, words, {"www-authenticate": challenge})
