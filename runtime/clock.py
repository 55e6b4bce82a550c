"""The time: UTC for instants, England's calendar for days and office hours."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

ENGLAND = ZoneInfo("Europe/London")


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def england_day(at: datetime) -> date:
    """The calendar day in England at an instant."""
    return at.astimezone(ENGLAND).date()
