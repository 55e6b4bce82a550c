"""What is known of a party on its way: values that `reading` takes from the store and `conditions` judges. Pure.

Times are aware, shares lie between 0 and 1, and None says that nobody has tried or measured it.
Source: docs/facts.md, sections 4 and 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from safeguarding.onboarding.states import State


@dataclass(frozen=True, slots=True)
class Checked:
    """A person tried or compared something: with which value, when, and who."""

    value: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone as it is set, and its latest test, which counts for the same number alone."""

    number: str
    tested: Checked | None = None

    @property
    def is_tested(self) -> bool:
        """Whether somebody rang this very number."""
        return bool(self.number) and self.tested is not None and self.tested.value == self.number


@dataclass(frozen=True, slots=True)
class Standing:
    """The agreement that a party stands on: its title, and its last day where it has one."""

    title: str
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A step that somebody asked for, and that somebody else is to confirm."""

    state: State
    by_id: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LoadedExtract:
    """The newest extract that loaded. `declared` are the open plans by kind that its sender says it holds, where it says so."""

    id: UUID
    extracted_at: datetime
    records: int
    rejected: int
    declared: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """An authority. `held` counts its open plans by kind; `matched` is the share that PDS confirms of those
    that it was asked about and of the rejected records that wait, None where nobody asked it (docs/authority/rejected-records.md).
    """

    code: str
    name: str
    state: State
    is_production: bool
    office_phone: Phone
    emergency_phone: Phone
    alert_email: str | None
    data_email: str | None
    stretches: int
    agreement: Standing | None
    extract: LoadedExtract | None
    held: Mapping[str, int]
    totals: Checked | None
    matched: float | None
    asked: Asked | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A site. `peers` and `clients` count the systems that may speak for it; `arrivals` those of the last days, tests included."""

    code: str
    name: str
    state: State
    is_production: bool
    host_authority: str | None
    safeguarding_phone: Phone
    agreement: Standing | None
    peers: int
    certified_peers: int
    clients: int
    heard_at: datetime | None
    heard_lately: bool
    arrivals: int
    unclassified: int
    asked: Asked | None = None


Facts = AuthorityFacts | SiteFacts
