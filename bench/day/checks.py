"""What the store holds after the day, against what must be true: nothing lost, nothing doubled, everybody told once.

`__main__` calls `find_faults` when every delivery is on its way. The questions ask the tables, not the product's own code.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import psycopg

from bench.day.hospital import SITE, Truth

_SHOWN = 5


def find_faults(url: str, truth: Truth, accepted: Path) -> dict[str, list[str]]:
    """Each question with whatever answers it wrongly (the first few); empty lists where all is well."""
    with psycopg.connect(url) as connection:
        connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        inbox = _ask(connection, "SELECT sending_application || ' ' || control_id FROM inbox")
        other = _ask(connection, "SELECT sending_facility FROM inbox WHERE sending_facility <> %s", SITE)
        held = _ask(connection, "SELECT id::text FROM quarantine")
        visits: dict[str, str] = dict(connection.execute("SELECT reference, state FROM encounters").fetchall())
        encounters = _ask(connection, "SELECT reference FROM encounters")
        alerts = _ask(connection, _ALERTS)
        notices = _ask(connection, _NOTICES)
        pending = _ask(connection, "SELECT id::text FROM deliveries WHERE state = 'pending'")
    taken = accepted.read_text().splitlines()
    told = Counter(f"{visit} {authority}" for visit, authority, notice in truth.notices if notice == "raised")
    return {
        "sent and never acknowledged": _few(truth.messages - set(taken)),
        "acknowledged, not in the inbox": _few(set(taken) - inbox.keys()),
        "in the inbox, never sent": _few(inbox.keys() - truth.messages) + _few(other),
        "in the inbox more than once": _twice(inbox),
        "in quarantine": _few(held),
        "visits without an encounter": _few(truth.visits.keys() - encounters.keys()),
        "encounters that nobody had": _few(encounters.keys() - truth.visits.keys()),
        "more than one encounter for a visit": _twice(encounters),
        "encounters in another state": _few(f"{name} {was}" for name, was in visits.items() if truth.visits.get(name, was) != was),
        "alerts missing": _few(told.keys() - alerts.keys()),
        "alerts that nobody wanted": _few(alerts.keys() - told.keys()),
        "alerts raised twice": _twice(alerts),
        "notices missing": _few({" ".join(notice) for notice in truth.notices} - notices.keys()),
        "notices that nobody wanted": _few(notices.keys() - {" ".join(notice) for notice in truth.notices}),
        "notices given twice": _twice(notices),
        "deliveries not on their way": _few(pending),
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
"""


def _ask(connection: "psycopg.Connection[tuple[str, ...]]", question: str, *parameters: str) -> Counter[str]:
    with connection.cursor("rows") as cursor:
        cursor.itersize = 20_000
        return Counter(row[0] for row in cursor.execute(question.encode(), parameters))


def _twice(counted: Counter[str]) -> list[str]:
    return _few(f"{name}, {times} times" for name, times in counted.items() if times > 1)


def _few(names: Iterable[str]) -> list[str]:
    every = sorted(names)
    return every if len(every) <= _SHOWN else [*every[:_SHOWN], f"and {len(every) - _SHOWN:,} more"]
