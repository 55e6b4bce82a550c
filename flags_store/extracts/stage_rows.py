"""How what is staged is written into the private database of a stage, and read back: one row for each thing, as text.

`stage` calls it. Source: none; the rows are gone with the process.
"""

import json
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from uuid import UUID

from domain.flag import FlagKind
from domain.match import MatchBasis
from flags_store.extract_formats.reading import PlacementRow
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.matched import Match
from flags_store.extracts.reconcile import HeldPlan
from flags_store.extracts.record import NO_EXTRAS, ExtractRecord, Extras, Note, RowError

TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -16000;
    CREATE TABLE record (nhs_number TEXT, line INTEGER PRIMARY KEY, read TEXT, sent TEXT, extras TEXT);
    CREATE TABLE error (line INTEGER PRIMARY KEY, field TEXT, code TEXT, reason TEXT, record TEXT, place TEXT, fields TEXT,
                        plan_id TEXT, adopted INTEGER);
    CREATE TABLE note (code TEXT, place TEXT, detail TEXT);
    CREATE TABLE placement (placement TEXT);
    CREATE TABLE match (nhs_number TEXT PRIMARY KEY, match TEXT);
    CREATE TABLE planned (line INTEGER PRIMARY KEY, change TEXT, held TEXT, lost INTEGER);
    CREATE TABLE refused (line INTEGER PRIMARY KEY, field TEXT, code TEXT, reason TEXT, record TEXT, place TEXT, fields TEXT,
                          plan_id TEXT, adopted INTEGER);
    CREATE TABLE person (nhs_number TEXT PRIMARY KEY, doubted TEXT, seal TEXT);
"""


def record_row(record: ExtractRecord) -> tuple[object, ...]:
    """Of the table `record`: what was read, so that nothing is read twice; and what was sent, where that is written otherwise."""
    days = (record.start_date, record.end_date, record.delete_date, record.expected_delivery_date)
    read = (
        record.nhs_number, record.kind.value, *("" if day is None else day.isoformat() for day in days),
        record.given_name, record.family_name, record.birth_date.isoformat(), record.local_id,
    )  # fmt: skip
    sent = "" if record.fields == read else json.dumps(record.fields)
    extras = "" if record.extras == NO_EXTRAS else json.dumps(asdict(record.extras))
    return record.nhs_number, record.line, json.dumps(read), sent, extras


def to_staged(line: int, read: str, sent: str, extras: str) -> ExtractRecord:
    """From such a row."""
    fields = tuple(json.loads(read))
    number, kind, start, end, deleted, due, given_name, family_name, born, local_id = fields
    return ExtractRecord(
        line, number, FlagKind(kind), _day(start), _maybe(end), _maybe(deleted), _maybe(due), given_name, family_name, _day(born),
        local_id, tuple(json.loads(sent)) if sent else fields, to_extras(extras),
    )  # fmt: skip


@lru_cache(maxsize=8_192)
def _day(text: str) -> date:
    return date.fromisoformat(text)


def _maybe(text: str) -> date | None:
    return _day(text) if text else None


def to_extras(text: str) -> Extras:
    """From the last column of `record`."""
    return Extras(**json.loads(text)) if text else NO_EXTRAS


def error_row(error: RowError) -> tuple[object, ...]:
    """Of the tables `error` and `refused`."""
    record, fields = json.dumps(error.record), json.dumps(error.fields)
    return error.line, error.field, error.code, error.reason, record, error.place, fields, error.plan_id, error.adopted


def to_error(row: tuple[int, str, str, str, str, str, str, str, int]) -> RowError:
    """From such a row."""
    line, field, code, reason, record, place, fields, plan_id, adopted = row
    return RowError(line, field, code, reason, json.loads(record), place, tuple(json.loads(fields)), plan_id, bool(adopted))


def note_row(note: Note) -> tuple[object, ...]:
    """Of the table `note`."""
    return note.code, note.place, json.dumps(dict(note.detail), sort_keys=True)


def placement_row(row: PlacementRow) -> tuple[str]:
    """Of the table `placement`."""
    return (json.dumps(asdict(row), default=date.isoformat),)


def to_placement(text: str) -> PlacementRow:
    """From such a row."""
    values = json.loads(text)
    days = {name: values[name] and date.fromisoformat(values[name]) for name in ("started_on", "ended_on")}
    return PlacementRow(**{**values, **days})


def match_text(match: Match) -> str:
    """For the table `match`."""
    return json.dumps(asdict(match))


def to_match(text: str) -> Match:
    """From such a text."""
    values = json.loads(text)
    refusal, note = values["refusal"], values["note"]
    parsed = {"refusal": refusal and RecordCode(refusal), "note": note and NoteCode(note)}
    return Match(**{**values, **parsed, "basis": MatchBasis(values["basis"])})


def held_text(plan: HeldPlan | None) -> str:
    """A plan that is held, or none."""
    if plan is None:
        return ""
    days = (plan.start_date, plan.end_date, plan.deleted_on, plan.expected_delivery_date)
    return json.dumps([str(plan.flag_id), plan.kind, *(day and day.isoformat() for day in days), plan.local_id, plan.plan_id])


def to_held(text: str) -> HeldPlan | None:
    """From such a text."""
    if not text:
        return None
    flag_id, kind, start, *days, local_id, plan_id = json.loads(text)
    end, deleted, due = (day and date.fromisoformat(day) for day in days)
    return HeldPlan(UUID(flag_id), FlagKind(kind), date.fromisoformat(start), end, deleted, due, local_id, plan_id)
