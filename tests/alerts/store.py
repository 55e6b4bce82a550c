"""An authority, a hospital and an invented child, as plain rows; and what became of the alerts about her."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from alerts.raising import NewAlert, RaisedAlert, Told, raise_alerts, tell_each
from domain.alert import AlertEvent, AlertReason, ChannelName
from domain.routing import Contact, Duty, Planned, Team, Telling
from runtime.database import Database, Transaction
from runtime.ids import uuid7

AUTHORITY = "A901"
AUTHORITY_NAME = "Northshire County Council"
MAILBOX = "children@northshire.example"
SITE, SITE_NAME = "RZQ42", "Saint Brannoc Infirmary"
ORGANISATION, ORGANISATION_NAME = "RZQ", "Brannoc Hospitals Trust"
NHS_NUMBER = "9990000018"
GIVEN_NAME, FAMILY_NAME, BIRTH_DATE = "Zebedee", "Quillfeather", date(2019, 3, 7)
VISIT, LOCAL_NUMBER = "V-77123456", "H5550123"
AT = datetime(2026, 11, 21, 3, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery as it stands."""

    id: UUID
    alert_id: UUID
    notice: str
    channel: str
    recipient: str
    state: str
    attempts: int
    claimed_by: str | None


async def found_hospital(transaction: Transaction) -> None:
    """The authorities, the hospital and the child."""
    for code, name, email in ((AUTHORITY, AUTHORITY_NAME, MAILBOX), ("B902", "Southmere", None)):
        await transaction.execute(
            """
            INSERT INTO authorities (code, name, office_phone, emergency_phone, alert_email, state)
            VALUES (%s, %s, '0300 555 0101', '0300 555 0102', %s, 'live')
            """,
            (code, name, email),
        )
    await transaction.execute("INSERT INTO organisations VALUES (%s, %s)", (ORGANISATION, ORGANISATION_NAME))
    await transaction.execute(
        "INSERT INTO sites (ods_code, organisation_code, name, setting) VALUES (%s, %s, %s, 'emergency-department')",
        (SITE, ORGANISATION, SITE_NAME),
    )
    await transaction.execute(
        "INSERT INTO persons (nhs_number, given_name, family_name, birth_date) VALUES (%s, %s, %s, %s)",
        (NHS_NUMBER, GIVEN_NAME, FAMILY_NAME, BIRTH_DATE),
    )


def told_by(email: str | None, at: datetime = AT) -> Telling:
    """The office team is first, told at once, by e-mail where it has a mailbox."""
    contacts = (Contact(ChannelName.EMAIL, email),) if email else ()
    team = Team("office", "office team", "0300 555 0101", Duty.OFFICE, contacts=contacts)
    return Telling("", 0, team, at, tuple(Planned(each, at, False) for each in contacts), None)


async def see_child(transaction: Transaction, visit: str = VISIT) -> tuple[UUID, UUID]:
    """One encounter of the child; the encounter and the person."""
    encounter_id = uuid7()
    await transaction.execute(
        """
        INSERT INTO encounters (id, site, encounter_key, reference, nhs_number, local_number, care_setting, unscheduled,
                                arrived_at, flagged, last_event_at)
        VALUES (%s, %s, %s, %s, %s, %s, 'emergency-department', true, %s, true, %s)
        """,
        (encounter_id, SITE, f"visit {visit}", visit, NHS_NUMBER, LOCAL_NUMBER, AT, AT),
    )
    cursor = await transaction.execute("SELECT id FROM persons WHERE nhs_number = %s", (NHS_NUMBER,))
    row = await cursor.fetchone()
    assert row is not None
    return encounter_id, row[0]


async def new_alert(
    transaction: Transaction, visit: str = VISIT, authority: str = AUTHORITY, email: str | None = MAILBOX
) -> NewAlert:
    """What is to be raised about one more encounter of the child."""
    encounter_id, person_id = await see_child(transaction, visit)
    return NewAlert(encounter_id, authority, person_id, AlertReason.ATTENDANCE, told_by(email), AT)


async def raise_many(database: Database, number: int, *, email: str | None = MAILBOX) -> list[RaisedAlert]:
    """So many alerts, each about an encounter of its own."""
    async with database.transaction() as transaction:
        wanted = [await new_alert(transaction, f"V-{position}", email=email) for position in range(number)]
        return await raise_alerts(transaction, wanted)


async def raise_one(database: Database, *, email: str | None = MAILBOX) -> RaisedAlert:
    """One alert."""
    (raised,) = await raise_many(database, 1, email=email)
    return raised


async def rows(database: Database, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a query finds."""
    async with database.transaction() as transaction:
        return await (await transaction.execute(query.encode(), parameters)).fetchall()


async def execute(database: Database, statement: str, *parameters: object) -> None:
    """Change something by hand."""
    async with database.transaction() as transaction:
        await transaction.execute(statement.encode(), parameters)


async def deliveries(database: Database, channel: ChannelName | None = None) -> list[Line]:
    """Every delivery as it stands, oldest first."""
    found = await rows(
        database,
        """
        SELECT id, alert_id, notice, channel, recipient, state, attempts, claimed_by FROM deliveries ORDER BY created_at, id
        """,
    )
    return [Line(*row) for row in found if channel is None or row[3] == channel]


async def attempts(database: Database, delivery_id: UUID) -> list[tuple[int, str, str]]:
    """Number, outcome and detail of every attempt at a delivery, in order."""
    query = "SELECT number, outcome, detail FROM attempts WHERE delivery_id = %s ORDER BY attempted_at, number"
    return [(number, outcome, detail) for number, outcome, detail in await rows(database, query, delivery_id)]


async def let_time_pass(database: Database) -> None:
    """Whatever waits for its time is due now."""
    await execute(database, "UPDATE deliveries SET next_attempt_at = now() - interval '1 second' WHERE state = 'pending'")


async def tell_of(transaction: Transaction, encounter_id: UUID, event: AlertEvent, at: datetime, actor_name: str) -> int:
    """Everybody who was told of the encounter is told that it went on: the team that was told first, too."""
    cursor = await transaction.execute(
        """
        SELECT a.id, min(d.recipient) FILTER (WHERE d.channel = 'email')
        FROM alerts a LEFT JOIN deliveries d ON d.alert_id = a.id WHERE encounter_id = %s GROUP BY a.id
        """,
        (encounter_id,),
    )
    told = [Told(alert_id, told_by(email, at)) for alert_id, email in await cursor.fetchall()]
    return await tell_each(transaction, told, event, at, actor_name)
