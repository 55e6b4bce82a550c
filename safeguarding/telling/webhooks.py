"""An authority's webhooks: registered, changed, given another secret, tried, taken out of use; and how it goes with each.

The page for data officers and `nightlight webhook` call it; the caller has checked the address (`runtime.endpoints`). A secret is
given back by `register` and `renew` alone. Source: docs/integration/webhooks.md; docs/adr/0043.
"""

from dataclasses import dataclass
from uuid import UUID

from alerts.channels.webhook import ENDPOINT_OFF, call
from alerts.channels.webhook_body import render_test
from alerts.channels.webhook_signing import good_secrets, secret_of, signed_headers, written
from alerts.webhooks import (
    Going,
    Webhook,
    add_webhook,
    change_webhook,
    find_webhook,
    make_due,
    read_going,
    read_webhooks,
    renew_webhook,
    set_in_use,
)
from domain.actor import Actor
from domain.alert import AttemptOutcome
from domain.channel import Attempted
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection, Database
from runtime.endpoints import Endpoints
from runtime.ids import uuid7

MOST = 20
"""Webhooks of one authority."""
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Listed:
    """One webhook and how it goes with it."""

    webhook: Webhook
    going: Going


async def register(
    transaction: Connection, key: bytes, actor: Actor, authority_code: str, name: str, url: str
) -> tuple[Webhook, str]:
    """A new webhook and its secret (whsec_…), which nobody can read again.

    Raises InvalidInput for a name that will not do, NotFound for an unknown authority, Conflict where there are too many.
    """
    name = _name(name)
    known = await transaction.execute("SELECT FROM authorities WHERE code = %s FOR UPDATE", (authority_code,))
    if known.rowcount == 0:
        raise NotFound(f"there is no authority {authority_code}")
    if len(await read_webhooks(transaction, authority_code)) >= MOST:
        raise Conflict(f"an authority can have {MOST} webhooks: change one that is there")
    webhook = await add_webhook(transaction, authority_code, name, url, actor.name)
    await _audit(transaction, actor, "webhook.add", webhook)
    return webhook, written(secret_of(key, webhook.id, webhook.renewals))


async def change(transaction: Connection, actor: Actor, authority_code: str, webhook_id: UUID, name: str, url: str) -> Webhook:
    """Another name or address; what waits goes there now. Raises InvalidInput, NotFound."""
    name = _name(name)
    await find(transaction, authority_code, webhook_id)
    webhook = await change_webhook(transaction, webhook_id, name, url)
    await _audit(transaction, actor, "webhook.change", webhook)
    await make_due(transaction, webhook_id)
    return webhook


async def renew(transaction: Connection, key: bytes, actor: Actor, authority_code: str, webhook_id: UUID) -> tuple[Webhook, str]:
    """The webhook with its next secret. For 24 hours each notice is signed with the one before, too. Raises NotFound.

    Raises Conflict where it was renewed within these 24 hours: its receivers may still verify with the secret before that one.
    """
    before = await find(transaction, authority_code, webhook_id)
    if len(good_secrets(key, before.id, before.renewals, before.renewed_at, now())) > 1:
        raise Conflict("the secret was renewed less than 24 hours ago: the one before is still good, and must end first")
    webhook = await renew_webhook(transaction, webhook_id)
    await _audit(transaction, actor, "webhook.renew", webhook)
    return webhook, written(secret_of(key, webhook.id, webhook.renewals))


async def take_out_of_use(transaction: Connection, actor: Actor, authority_code: str, webhook_id: UUID) -> Webhook:
    """Nothing is sent to it: what is for it waits, is shown, and needs a person. Raises NotFound."""
    await find(transaction, authority_code, webhook_id)
    webhook = await set_in_use(transaction, webhook_id, in_use=False)
    await _audit(transaction, actor, "webhook.off", webhook)
    return webhook


async def take_into_use(transaction: Connection, actor: Actor, authority_code: str, webhook_id: UUID) -> Webhook:
    """It is told again, and what waited is sent. Raises NotFound."""
    await find(transaction, authority_code, webhook_id)
    webhook = await set_in_use(transaction, webhook_id, in_use=True)
    await _audit(transaction, actor, "webhook.on", webhook)
    await make_due(transaction, webhook_id)
    return webhook


async def send_test(
    database: Database, endpoints: Endpoints, key: bytes, link: str, actor: Actor, authority_code: str, webhook_id: UUID
) -> Attempted:
    """Send a notice of nothing now, once, and say how it went; `link` is where the page begins. Raises NotFound."""
    at, notice_id = now(), uuid7()
    async with database.transaction() as transaction:
        webhook = await find(transaction, authority_code, webhook_id)
        (is_test,) = await (await transaction.execute("SELECT kind <> 'production' FROM store")).fetchone() or (True,)
    body = render_test(authority_code, at, link, is_test=is_test)
    if webhook.disabled_at is not None:
        attempted = Attempted(AttemptOutcome.PERMANENT, ENDPOINT_OFF)
    else:
        secrets = good_secrets(key, webhook.id, webhook.renewals, webhook.renewed_at, at)
        attempted = await call(endpoints, webhook.url, body, signed_headers(secrets, str(notice_id), at, body))
    async with database.transaction() as transaction:
        await _audit(transaction, actor, "webhook.test", webhook, outcome=attempted.outcome.value, code=attempted.detail)
    return attempted


async def list_webhooks(transaction: Connection, authority_code: str) -> list[Listed]:
    """An authority's webhooks, each with how it goes."""
    webhooks = await read_webhooks(transaction, authority_code)
    going = await read_going(transaction, [each.id for each in webhooks])
    return [Listed(each, going.get(each.id, Going())) for each in webhooks]


async def find(transaction: Connection, authority_code: str, webhook_id: UUID) -> Webhook:
    """One of the authority's own. Raises NotFound for every other."""
    webhook = await find_webhook(transaction, webhook_id)
    if webhook is None or webhook.authority_code != authority_code:
        raise NotFound("there is no such webhook")
    return webhook


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"a webhook needs a name of {LONGEST_NAME} characters at most")
    return name


async def _audit(transaction: Connection, actor: Actor, action: str, webhook: Webhook, **detail: str) -> None:
    await record_audit(
        transaction, actor, action, "webhook", str(webhook.id), authority=webhook.authority_code, url=webhook.url, **detail
    )
