"""Times and lengths of time as people in England read them. Pure.

Every door that shows an answer to a person uses them: the templates of `api`, the cards of `fhir_adapter`.
"""

from datetime import date, datetime, timedelta

from runtime.clock import ENGLAND

_HOURS_SHOWN = timedelta(hours=48)


def day(value: date | datetime | None) -> str:
    """ "3 March 2019"; an instant is given as its day in England."""
    if value is None:
        return "not known"
    if isinstance(value, datetime):
        value = value.astimezone(ENGLAND).date()
    return f"{value.day} {value:%B %Y}"


def clock(value: datetime) -> str:
    """ "08:45", England's time."""
    return f"{value.astimezone(ENGLAND):%H:%M}"


def moment(value: datetime | None) -> str:
    """ "3 March 2026 at 08:45", England's time."""
    return "never" if value is None else f"{day(value)} at {clock(value)}"


def when_next(value: datetime, at: datetime) -> str:
    """A time to come: "08:45" today, "08:45 tomorrow", "08:45 on Monday 3 March"."""
    then, today = value.astimezone(ENGLAND), at.astimezone(ENGLAND).date()
    ahead = (then.date() - today).days
    if ahead == 0:
        return clock(value)
    if ahead == 1:
        return f"{clock(value)} tomorrow"
    return f"{clock(value)} on {then:%A} {then.day} {then:%B}"


def span(value: timedelta) -> str:
    """How long: "42 min", "5 h 12 min", "3 days"."""
    minutes = max(0, int(value.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if value < _HOURS_SHOWN:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{value.days} days"


def rhythm(value: timedelta) -> str:
    """How often something is expected: "24 hours", "7 days"."""
    hours = value.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours > 24 and hours % 24 == 0 else f"{hours:g} hours"


def ago(value: timedelta) -> str:
    """How long since: "just now", "42 min ago"."""
    return f"{span(value)} ago" if value >= timedelta(minutes=1) else "just now"
