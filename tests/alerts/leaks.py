"""What must never be found in a letter or a text message: the person, the site, the plan, what happened, and who wrote what."""

import re
from collections.abc import Sequence

from alerts.raising import RaisedAlert, raise_alerts
from domain.alert import AlertEvent, ChannelName, Delivery
from runtime.database import Database
from tests.alerts.store import (
    AUTHORITY,
    BIRTH_DATE,
    FAMILY_NAME,
    GIVEN_NAME,
    LOCAL_NUMBER,
    NHS_NUMBER,
    ORGANISATION,
    ORGANISATION_NAME,
    SITE,
    SITE_NAME,
    VISIT,
    execute,
    new_alert,
    rows,
)

STAFF = "Wilhelmina Ogbourne"
"""Who did what happened: a name of somebody at the hospital, as it stands in the history of the alert."""
WRITTEN = "Grandmother is on her way"
"""A text that somebody wrote."""

FACTS = [
    GIVEN_NAME,
    FAMILY_NAME,
    NHS_NUMBER,
    "999 000 0018",
    "999-000-0018",
    LOCAL_NUMBER,
    VISIT,
    f"{BIRTH_DATE:%Y-%m-%d}",
    f"{BIRTH_DATE:%d/%m/%Y}",
    f"{BIRTH_DATE:%d/%m/%y}",
    f"{BIRTH_DATE:%d %B}",
    f"{BIRTH_DATE.day} {BIRTH_DATE:%B}",
    str(BIRTH_DATE.year),
    SITE,
    ORGANISATION,
    *SITE_NAME.split(),
    *ORGANISATION_NAME.split(),
    *STAFF.split(),
    WRITTEN,
]
WORDS = [
    *("hospital", "infirmary", "emergency", "department", "ward", "attendance", "patient", "child", "mother", "baby"),
    *("CPP", "LAC", "UCPP", "plan", "protection", "looked after", "unborn"),
    *("left-before-seen", "before being seen", "cancel", "cancelled", "reinstate", "reinstated", "wrong", "identity"),
    *("transfer", "transferred", "discharge", "discharged", "asked", "replied", "answered", "acknowledged", "escalated"),
]


NOTICES = ["raised", *(event.value for event in AlertEvent), "escalate 2", "left-before-seen 3", "nobody-knows-this-yet"]
"""Every notice that can be told, and one that no table has."""


async def raise_thread(database: Database) -> tuple[RaisedAlert, RaisedAlert]:
    """Two alerts about one child, soon after each other."""
    raised = []
    for visit in ("V-1", "V-2"):
        async with database.transaction() as transaction:
            raised += await raise_alerts(transaction, [await new_alert(transaction, visit)])
    first, second = raised
    return first, second


async def notice(database: Database, raised: RaisedAlert, said: str, channel: ChannelName, recipient: str) -> Delivery:
    """Something happened to the alert, which somebody wrote a text about, and this recipient is to be told."""
    await execute(
        database,
        """
        INSERT INTO alert_events (occurred_at, alert_id, event, state_after, actor_name, organisation, answer_text)
        VALUES (now(), %s, %s, 'raised', %s, %s, %s)
        """,
        raised.id, said, STAFF, SITE, WRITTEN,
    )  # fmt: skip
    await execute(
        database, "UPDATE alerts SET taken_by = %s, taken_by_id = 's-1', taken_at = now() WHERE id = %s", STAFF, raised.id
    )
    ((delivery_id,),) = await rows(
        database,
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient, team) VALUES (%s, %s, %s, %s, 'office')
        ON CONFLICT (alert_id, notice, channel, recipient) DO UPDATE SET team = 'office' RETURNING id
        """,
        raised.id, said, channel.value, recipient,
    )  # fmt: skip
    return Delivery(delivery_id, raised.id, channel, recipient, AUTHORITY, 0)


async def bundle_of(database: Database, both: Sequence[RaisedAlert], channel: ChannelName, recipient: str) -> Delivery:
    """One message to a recipient that tells of both alerts, since they were replayed late."""
    told = [await notice(database, raised, "raised", channel, recipient) for raised in both]
    await execute(database, "UPDATE deliveries SET bundled_with = %s WHERE id = ANY(%s)", told[0].id, [each.id for each in told])
    return told[0]


def leaks(text: str, ids: Sequence[object] = ()) -> list[str]:
    """Which of them a text holds; a person's and an encounter's id are looked for as well.

    When something happened ("7 March 2027 at 9:00am") is no date of birth, and the port of a server of these tests is no year.
    """
    text = text.lower()
    found = [str(each) for each in ids if str(each) in text or str(each).replace("-", "") in text]
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{4}-[0-9a-f]{4}\b", "", text)
    text = re.sub(r"\b\d{1,2} [a-z]+ \d{4} at \d", "", text)
    text = re.sub(r"\b127\.0\.0\.1:\d+", "", text)
    found += [fact for fact in FACTS if fact.lower() in text]
    return found + [word for word in WORDS if re.search(rf"\b{word.lower()}\b", text)]
