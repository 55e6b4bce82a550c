"""One record of a V3 file becomes one row of the ten columns for each of its plans, or what is wrong with it. Pure.

`v3_reader` hands in a record as it was sent; `record.to_record` refuses what it refuses in every format.
Source: docs/facts.md, sections 1 and 4 (one record has one to three plans; an unborn child's plan is the mother's).
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from flags_store.extract_formats.v3_file import MOST_PLANS, V3Plan, V3Record
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.record import WHOLE_LINE, ExtractRecord, Extras, RowError, row_error, to_record
from runtime.clock import ENGLAND

_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_MOMENT = re.compile(r"([0-9]{8})([0-9]{2})([0-9]{2})?([0-9]{2})?(?:\.[0-9]+)?(?:([+-])([0-9]{2})([0-9]{2}))?")
_OLD_STYLE = re.compile(r"(?=.*[A-Za-z/])[A-Za-z0-9 /?.-]{3,17}")


def to_came(line: int, record: V3Record, *, is_production: bool) -> Iterator[ExtractRecord | RowError]:
    """What a record comes to; the first gets the number after `line`, the others the next ones."""
    problem = _problem(record)
    if problem is not None:
        plan = record.plans[0] if record.plans else V3Plan("")
        yield row_error(line + 1, _fields(record, plan), *problem, Extras(_place(record)), limit=MOST_PLANS)
        return
    for number, plan in enumerate(record.plans, start=line + 1):
        fields, extras = _fields(record, plan), Extras(_place(record, plan))
        if not plan.kind:
            yield row_error(number, fields, "kind", RecordCode.UNKNOWN_PLAN, extras)
        elif (plan.kind == "UCPP") is not record.names_mother:
            yield row_error(number, fields, "kind", RecordCode.PLAN_OF_ANOTHER, extras)
        else:
            yield to_record(number, fields, is_production=is_production, extras=extras)


def record_of(place: str) -> str:
    """The record that a place is in: its plans are answered for together."""
    return place.partition(",")[0]


def _problem(record: V3Record) -> tuple[str, RecordCode] | None:
    if record.names_child and record.names_mother:
        return WHOLE_LINE, RecordCode.CHILD_AND_MOTHER
    if not record.names_child and not record.names_mother:
        return WHOLE_LINE, RecordCode.NO_PERSON
    if _OLD_STYLE.fullmatch(record.nhs_number):
        return "nhs_number", RecordCode.OLD_NHS_NUMBER
    if record.is_overfull:
        return WHOLE_LINE, RecordCode.TOO_MANY_PLANS
    return None if record.plans else (WHOLE_LINE, RecordCode.NO_PLANS)


def _place(record: V3Record, plan: V3Plan | None = None) -> str:
    kind = plan.kind if plan else ""
    return f"record {record.number}, {kind}" if kind else f"record {record.number}"


def _fields(record: V3Record, plan: V3Plan) -> tuple[str, ...]:
    return (
        record.nhs_number, plan.kind, to_day(plan.start), to_day(plan.end), to_day(plan.delete), "",
        " ".join(filter(None, record.given)), " ".join(filter(None, record.family)), to_day(record.birth_time), record.local_id,
    )  # fmt: skip


def to_day(timestamp: str) -> str:
    """The day in England of an HL7 timestamp, as CSV writes it. What is none stays as it is, and is refused as no date.

    A time without an offset is England's own; a year or a month alone is no day.
    """
    if match := _DAY.fullmatch(timestamp):
        return "-".join(match.groups())
    match = _MOMENT.fullmatch(timestamp)
    if match is None:
        return timestamp
    day, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    try:
        moment = datetime.strptime(f"{day}{hour}{minute or '00'}{second or '00'}", "%Y%m%d%H%M%S")  # noqa: DTZ007
        if sign:
            offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
            moment = moment.replace(tzinfo=timezone(-offset if sign == "-" else offset)).astimezone(ENGLAND)
    except (ValueError, OverflowError):
        return timestamp
    return moment.date().isoformat()
