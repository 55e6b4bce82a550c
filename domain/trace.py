"""A trace: whether an NHS number is right, or which one is a patient's, asked of the national register (PDS).

`fhir_adapter.pds` answers, `safeguarding.tracing` and `nightlight trace` ask; never the desk, which calls nobody.
Sources: NHS England, Personal Demographics Service FHIR API; docs/facts.md, section 3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Protocol

from domain.encounter import Identity
from domain.names import same_name
from domain.nhs_number import NhsNumber

LONGEST_NAME = 35
"""Characters of a name that the register takes."""

_WORD = re.compile(r"[^\W\d_]+")
_NOBODYS = frozenset({"boy", "girl", "triplet", "unnamed"})
"""Stand for a name, beside those that `Identity` knows: a newborn's twin is not told apart by them."""


class Gender(StrEnum):
    """FHIR AdministrativeGender."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Demographics:
    """What is told of a patient. Only names and birth date are asked with; the rest is for telling several matches apart."""

    family_name: str
    birth_date: date
    given_name: str = ""
    gender: Gender | None = None
    postcode: str = ""

    @property
    def can_be_traced(self) -> bool:
        """Whether it says who somebody is. An asterisk would be a wildcard to the register, and match strangers."""
        names = (self.family_name, self.given_name)
        if any("*" in name or len(name) > LONGEST_NAME for name in names):
            return False
        family, given = (" ".join(_WORD.findall(name.casefold())) for name in names)
        if not family or (self.given_name.strip() and not given) or _NOBODYS & {*family.split(), *given.split()}:
            return False
        return not Identity(None, family_name=family, given_name=given).has_placeholder_name

    @property
    def widened(self) -> "Demographics":
        """Without what leaves people out: PDS gives no restricted patient to whom a postcode is named."""
        return replace(self, gender=None, postcode="")


@dataclass(frozen=True, slots=True)
class Held:
    """What PDS holds of a patient, as far as it is compared. Names are pairs of family and given names in order."""

    names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    birth_date: date | None = None


class Confidentiality(StrEnum):
    """`meta.security` (HL7 v3 Confidentiality): R and V mean that nobody may learn where the patient is."""

    UNRESTRICTED = "U"
    RESTRICTED = "R"
    VERY_RESTRICTED = "V"

    @property
    def is_sensitive(self) -> bool:
        """Whether whereabouts must not be shown."""
        return self is not Confidentiality.UNRESTRICTED


class Detail(StrEnum):
    """What can be otherwise than it was told."""

    FAMILY_NAME = "family name"
    GIVEN_NAME = "given name"
    BIRTH_DATE = "date of birth"


class NotVerifiedReason(StrEnum):
    """Why nobody could say. `too-little`: not enough was told, or is held, to compare; `unverified`: PDS itself has not verified
    the number."""

    NOT_CONFIGURED = "not-configured"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate-limited"
    CIRCUIT_OPEN = "circuit-open"
    REFUSED = "refused"
    TOO_LITTLE = "too-little"
    UNVERIFIED = "unverified"

    @property
    def is_temporary(self) -> bool:
        """Whether the same question may pass later. `refused` is: a key that has run out is mended by a person."""
        return self in {
            NotVerifiedReason.UNAVAILABLE,
            NotVerifiedReason.RATE_LIMITED,
            NotVerifiedReason.CIRCUIT_OPEN,
            NotVerifiedReason.REFUSED,
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """The number is a patient's. `compared`: what was told of the patient agrees; False where nothing was told.

    `otherwise_spelled`: it agrees but for case, hyphens, apostrophes or spaces of a name.
    """

    number: NhsNumber
    compared: bool
    confidentiality: Confidentiality = Confidentiality.UNRESTRICTED
    deceased: bool = False
    otherwise_spelled: bool = False


@dataclass(frozen=True, slots=True)
class Superseded:
    """The number that was asked for was replaced by another; the rest as in `Verified`."""

    by: NhsNumber
    compared: bool
    confidentiality: Confidentiality = Confidentiality.UNRESTRICTED
    deceased: bool = False
    otherwise_spelled: bool = False


@dataclass(frozen=True, slots=True)
class Invalidated:
    """The number was somebody's, has no successor, and must never be linked to another (adoption)."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """Nobody has the number, or nobody fits."""


@dataclass(frozen=True, slots=True)
class NotUnique:
    """Several fit: none of them may be used."""


@dataclass(frozen=True, slots=True)
class DetailsDiffer:
    """Somebody has the number, or was found, but is not as was told. What is held instead is in no answer."""

    details: tuple[Detail, ...]
    confidentiality: Confidentiality = Confidentiality.UNRESTRICTED


@dataclass(frozen=True, slots=True)
class NotVerified:
    """Nobody could say. `retry_after` seconds were asked for, where PDS said."""

    reason: NotVerifiedReason
    retry_after: float | None = None


Traced = Verified | Superseded | Invalidated | NotFound | NotUnique | DetailsDiffer | NotVerified


class Trace(Protocol):
    """Who can be asked. Neither raises: whatever fails is NotVerified."""

    async def verify(self, number: NhsNumber, told: Demographics | None = None) -> Traced:
        """Whether the number is a patient's, and whose details agree where some were told."""
        ...

    async def find(self, told: Demographics) -> Traced:
        """The one patient of these details: Verified, or why there is none. Never one of several."""
        ...


class NoTrace:
    """In the place of PDS where none is configured: everything works, and says "not verified"."""

    async def verify(self, number: NhsNumber, told: Demographics | None = None) -> Traced:
        """NotVerified."""
        return NotVerified(NotVerifiedReason.NOT_CONFIGURED)

    async def find(self, told: Demographics) -> Traced:
        """NotVerified."""
        return NotVerified(NotVerifiedReason.NOT_CONFIGURED)


def differing(told: Demographics, held: Held) -> tuple[Detail, ...] | None:
    """What differs; None where PDS holds too little to compare. Spellings are one where `same_name` says so.

    Any of the patient's names may be the one that was told. Given names agree where all of them do, or the first with the first,
    or the first with any: PDS holds middle names that nobody tells.
    """
    if held.birth_date is None or not held.names:
        return None
    differs = [] if held.birth_date == told.birth_date else [Detail.BIRTH_DATE]
    of_family = [given for family, given in held.names if same_name(family, told.family_name)]
    if not of_family:
        differs.append(Detail.FAMILY_NAME)
    elif told.given_name.strip() and not any(_has_given(told.given_name, given) for given in of_family):
        differs.append(Detail.GIVEN_NAME)
    return tuple(differs)


def _has_given(told: str, held: Sequence[str]) -> bool:
    """All of it as one of the names, or as all of them ("Mary Ann"); or its first word."""
    return any(same_name(part, name) for part in (told, *told.split(maxsplit=1)[:1]) for name in (*held, " ".join(held)))


def is_spelled_alike(told: Demographics, held: Held) -> bool:
    """Whether names that agree (`differing`) are written letter by letter as PDS writes them."""
    family, given = told.family_name.strip(), told.given_name.strip()
    parts = {given, *given.split(maxsplit=1)[:1]}
    return any(
        family == held_family.strip() and (not given or not parts.isdisjoint({*held_given, " ".join(held_given)}))
        for held_family, held_given in held.names
    )
