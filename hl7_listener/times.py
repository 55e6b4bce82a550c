"""HL7 times and dates to Python's, and back.

The mapping reads encounter times and birth dates with it, the acknowledgement renders MSH-7.
Source: HL7 v2.5.1 sections 2.A.21 (DT), 2.A.22 (DTM) and 2.A.77 (TS); the spellings met in English feeds beside them.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
_WIDEST_OFFSET = timedelta(hours=14)
_TIME = re.compile(
    r"(?P<date>[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[ T]?(?P<hour>[0-9]{2})"
    r"(?::?(?P<minute>[0-9]{2})(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?)?"
    r" ?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)


@lru_cache(maxsize=1024)
def parse_time(text: str, zone: ZoneInfo = LONDON) -> datetime | None:
    """The moment in UTC, or None where the text is empty or names none; a message is never refused for a bad time.

    YYYYMMDD[HH[MM[SS[.S…]]]][±ZZZZ], and the same with the marks of ISO 8601. Without an offset it is local time in
    `zone`: the earlier of the two where the clock shows it twice, and as if not yet changed where the clock skips it.
    Remembered, because one message says the same time in several fields.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    try:
        day = date.fromisoformat(found["date"])
        local = datetime(
            day.year,
            day.month,
            day.day,
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            int((found["fraction"] or "").ljust(6, "0")[:6]),
            tzinfo=_offset(found["zone"]) if found["zone"] else zone,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> date | None:
    """The calendar day, or None where the text is empty or names no whole day.

    A time behind the day is dropped, and no zone is converted: a birthday is a day wherever it is read.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return date.fromisoformat(found["date"])
    except ValueError:
        return None


def format_time(at: datetime, zone: ZoneInfo = LONDON) -> str:
    """YYYYMMDDHHMMSS±ZZZZ, as clocks in `zone` show it."""
    return _formatted(at.replace(microsecond=0), zone)


@lru_cache(maxsize=64)
def _formatted(second: datetime, zone: ZoneInfo) -> str:
    return second.astimezone(zone).strftime("%Y%m%d%H%M%S%z")


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset > _WIDEST_OFFSET or int(digits[2:]) > 59:
        raise ValueError(text)
    return timezone(-offset if text[0] == "-" else offset)
