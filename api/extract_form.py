"""The form of an upload: what a data officer says of the extract beside choosing the file, and what of that is wrong. Pure.

`api.extracts` reads it from the browser and shows it again with its errors. Source: docs/facts.md, section 4.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import FormData

from api.security import field
from domain.errors import InvalidInput
from domain.extract import Declaration, Scope
from domain.flag import FlagKind
from runtime.clock import ENGLAND, now
from safeguarding.extracts.declaring import read_counts


@dataclass(frozen=True, slots=True)
class Fields:
    """What stands in the form, as it was typed: when the extract was taken, England's time; what it holds; how many open plans of
    each kind there are; whether everybody in it is sensitive."""

    day: str = ""
    month: str = ""
    year: str = ""
    time: str = ""
    scope: str = ""
    count_cpp: str = ""
    count_lac: str = ""
    count_ucpp: str = ""
    sensitive: str = ""

    @classmethod
    def at(cls, instant: datetime) -> "Fields":
        """An empty form that proposes this moment."""
        local = instant.astimezone(ENGLAND)
        return cls(str(local.day), str(local.month), str(local.year), f"{local:%H:%M}")

    @classmethod
    def of(cls, form: FormData) -> "Fields":
        """What was sent."""
        return cls(*(field(form, name).strip() for name in cls.__dataclass_fields__))

    @property
    def instant(self) -> datetime | None:
        """The instant that is meant, or None where it is none."""
        try:
            hours, minutes = self.time.replace(".", ":").split(":")
            local = datetime(int(self.year), int(self.month), int(self.day), int(hours), int(minutes), tzinfo=ENGLAND)
        except (ValueError, OverflowError):
            return None
        return local.astimezone(UTC)

    def count_of(self, kind: FlagKind) -> str:
        """What was typed as the number of open plans of a kind."""
        return {FlagKind.CPP: self.count_cpp, FlagKind.LAC: self.count_lac, FlagKind.UCPP: self.count_ucpp}[kind]


def errors_of(fields: Fields, *, says_when: bool) -> dict[str, str]:
    """What is wrong, by the field to mend. `says_when`: the file says itself when it was taken."""
    errors: dict[str, str] = {}
    if not says_when:
        instant = fields.instant
        if instant is None:
            errors["taken-day"] = "Enter the day and the time at which the extract was taken, such as 27 3 2026 and 06:30"
        elif instant > now():
            errors["taken-day"] = "The extract cannot have been taken in the future"
    if fields.scope not in set(Scope):
        errors["scope"] = "Say whether the extract holds every open plan, or only what changed"
    errors |= {
        f"count-{kind.value.lower()}": f"The number of {kind.value} is a whole number, or nothing"
        for kind in FlagKind
        if fields.count_of(kind) and _count(kind, fields.count_of(kind)) is None
    }
    return errors


def declaration_of(fields: Fields, *, says_when: bool) -> Declaration:
    """What is declared by a form without errors."""
    counts = {kind: count for kind in FlagKind if (count := _count(kind, fields.count_of(kind))) is not None}
    return Declaration(None if says_when else fields.instant, Scope(fields.scope), bool(fields.sensitive), counts)


def _count(kind: FlagKind, typed: str) -> int | None:
    try:
        return read_counts(f"{kind.value}={typed.replace(',', '')}").get(kind) if typed else None
    except InvalidInput:
        return None
