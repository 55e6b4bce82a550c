"""What the store holds after the day, against what must be true: nothing lost, nothing doubled, everybody told once.

`__main__` calls `read_held` when every delivery is on its way, and `find_faults` with it. The questions ask the tables, not the
product's own code.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import psycopg

from bench.day.hospital import SITE, Truth
from safeguarding.telling.news import UPDATES

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds, each counted: messages by application and control ID, encounters by visit, alerts, notices."""

    messages: Counter[str] = field(default_factory=Counter)
    encounters: Counter[str] = field(default_factory=Counter)
    states: dict[str, str] = field(default_factory=dict)
    alerts: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    of_others: Counter[str] = field(default_factory=Counter)
    in_quarantine: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)


def read_held(url: str) -> Held:
    """Ask the store."""
    with psycopg.connect(url) as connection:
        states: dict[str, str] = dict(connection.execute("SELECT reference, state FROM encounters").fetchall())
        return Held(
            messages=_ask(connection, "SELECT sending_application || ' ' || control_id FROM inbox"),
            encounters=_ask(connection, "SELECT reference FROM encounters"),
            states=states,
            alerts=_ask(connection, _ALERTS),
            notices=_ask(connection, _NOTICES, [event.value for event in UPDATES]),
            of_others=_ask(connection, "SELECT sending_facility FROM inbox WHERE sending_facility <> %s", SITE),
            in_quarantine=_ask(connection, "SELECT id::text FROM quarantine"),
            pending=_ask(connection, "SELECT id::text FROM deliveries WHERE state = 'pending'"),
        )


def find_faults(held: Held, truth: Truth, acknowledged: Collection[str]) -> dict[str, list[str]]:
    """Each question with whatever answers it wrongly (the first few); empty lists where all is well."""
    taken = set(acknowledged)
    told = {f"{visit} {authority}" for visit, authority, notice in truth.notices if notice == "raised"}
    notices = {" ".join(notice) for notice in truth.notices}
    otherwise = (f"{visit} {state}" for visit, state in held.states.items() if truth.visits.get(visit, state) != state)
    return {
        "sent and never acknowledged": _few(truth.messages - taken),
        "acknowledged, not in the inbox": _few(taken - held.messages.keys()),
        "in the inbox, never sent": _few([*(held.messages.keys() - truth.messages), *held.of_others]),
        "in the inbox more than once": _twice(held.messages),
        "in quarantine": _few(held.in_quarantine),
        "visits without an encounter": _few(truth.visits.keys() - held.encounters.keys()),
        "encounters that nobody had": _few(held.encounters.keys() - truth.visits.keys()),
        "more than one encounter for a visit": _twice(held.encounters),
        "encounters in another state": _few(otherwise),
        "alerts missing": _few(told - held.alerts.keys()),
        "alerts that nobody wanted": _few(held.alerts.keys() - told),
        "alerts raised twice": _twice(held.alerts),
        "notices missing": _few(notices - held.notices.keys()),
        "notices that nobody wanted": _few(held.notices.keys() - notices),
        "notices given twice": _twice(held.notices),
        "deliveries not on their way": _few(held.pending),
    }


def size_of(url: str) -> int:
    """The database, in bytes."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


_ALERTS = "SELECT e.reference || ' ' || a.authority_code FROM alerts a JOIN encounters e ON e.id = a.encounter_id"
_NOTICES = """
    SELECT e.reference || ' ' || d.recipient || ' ' || d.notice
    FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN encounters e ON e.id = a.encounter_id
    WHERE split_part(d.notice, ' ', 1) <> ALL(%s)  -- what only renews a screen follows from the visit's state, which is compared
"""


def _ask(connection: "psycopg.Connection[tuple[str, ...]]", question: str, *parameters: str | list[str]) -> Counter[str]:
    with connection.cursor("rows") as cursor:
        cursor.itersize = 20_000
        return Counter(row[0] for row in cursor.execute(question.encode(), parameters))


def _twice(counted: Counter[str]) -> list[str]:
    return _few(f"{name}, {times} times" for name, times in counted.items() if times > 1)


def _few(names: Iterable[str]) -> list[str]:
    every = sorted(names)
    return every if len(every) <= _SHOWN else [*every[:_SHOWN], f"and {len(every) - _SHOWN:,} more"]
