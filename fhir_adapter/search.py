"""What a search asks, from its parameters: which patient, that it is our kind of flag, and how to show the answer. Pure.

One lookup has many spellings; all of them end here. `capability` publishes the same table, so that it cannot lie.
Sources: Patient Flag and CP-IS FHIR guides (parameters); FHIR R4, "Search".
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from fhir_adapter.codes import FLAG_CATEGORY, FLAG_CODE, NHS_NUMBER
from fhir_adapter.errors import INVALID_SEARCH, Refused
from fhir_adapter.filters import FILTERS, Filter, to_filter
from fhir_adapter.search_parameters import COUNT, FORMAT, INCLUDE, INCLUDES, PARAMETERS
from fhir_adapter.summary import COUNTED, ELEMENTS, SUMMARY, WHOLE, Shape, take

__all__ = ["FORMAT", "PARAMETERS", "Search", "parse_search"]

_OUR_CODES = frozenset({FLAG_CODE, f"{FLAG_CATEGORY}|{FLAG_CODE}"})
_PATIENT_SPELLINGS = frozenset(
    f"{name}{suffix}" for name in ("patient", "subject") for suffix in ("", ":identifier", ".identifier")
)
_NOT_IN_AN_ADDRESS = _PATIENT_SPELLINGS | {"identifier", "_id"}
"""What a caller who searches by POST may have put a patient's number into."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was understood. `used` holds the pairs that were really used, as they were given.

    `count` is the most matches that a page shall have, or None where nothing was said.
    """

    resource: str
    number: NhsNumber
    used: tuple[tuple[str, str], ...]
    filters: tuple[Filter, ...] = ()
    shape: Shape = WHOLE
    count: int | None = None

    @property
    def is_shaped(self) -> bool:
        """Whether less than the whole of each resource is wanted."""
        return self.shape is not WHOLE

    @property
    def asks_when_updated(self) -> bool:
        """Whether it must be known when what is held last changed."""
        return any(each.name == "_lastUpdated" for each in self.filters)

    def link(self, base_url: str, *, by_post: bool, leaving_out: Collection[str] = ()) -> str:
        """The address for `link.self`: what was used, and after a POST not the number, which was never in an address."""
        hidden = _NOT_IN_AN_ADDRESS if by_post else frozenset[str]()
        used = [pair for pair in self.used if pair[0] not in hidden and pair[0] not in leaving_out]
        address = f"{base_url}/{self.resource}{'/_search' if by_post else ''}"
        return f"{address}?{urlencode(used, safe=':/', quote_via=quote)}" if used else address


@dataclass(slots=True)
class _Wanted:
    """What has been read so far."""

    patients: list[str] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    shape: Shape = WHOLE
    count: int | None = None


def parse_search(resource: str, pairs: Sequence[tuple[str, str]], *, strict: bool) -> Search:
    """The patient that is asked for. Raises Refused for whatever might be answered for the wrong patient or kind.

    Unknown parameters are left out, or refused where `strict`; an unknown spelling of a known one is always refused.
    """
    used: list[tuple[str, str]] = []
    wanted = _Wanted()
    served = _TAKERS[resource]
    for name, value in pairs:
        if name in _PATIENT_SPELLINGS:
            wanted.patients.append(value)
        elif name in served:
            if not served[name](wanted, name, value):
                _check_lenient(name, strict=strict)
                continue
        else:
            _check_unknown(name, resource, strict=strict)
            continue
        used.append((name, value))
    if len(wanted.patients) != 1:
        raise Refused(INVALID_SEARCH, "Name the patient exactly once, by patient or patient:identifier.")
    number = _parse_patient(wanted.patients[0])
    return Search(resource, number, tuple(used), tuple(wanted.filters), wanted.shape, wanted.count)


def _parse_patient(value: str) -> NhsNumber:
    system, bar, text = value.rpartition("|")
    if system not in {"", NHS_NUMBER}:
        raise Refused(INVALID_SEARCH, f"Invalid NHS number: the identifier's system must be {NHS_NUMBER}.")
    try:
        return parse_nhs_number(text if bar else text.removeprefix("Patient/"))
    except InvalidNhsNumber as error:
        raise Refused(INVALID_SEARCH, f"Invalid NHS number: {error}.") from None


def _take_code(wanted: _Wanted, name: str, value: str) -> bool:
    """Another kind of flag is not held here, and 'none' would read as 'checked, none known'."""
    if value not in _OUR_CODES:
        raise Refused(INVALID_SEARCH, f"Nothing was checked: this server holds flags of code {FLAG_CODE} only.")
    return True


def _take_filter(wanted: _Wanted, name: str, value: str) -> bool:
    wanted.filters.append(to_filter(name, value))
    return True


def _take_shape(wanted: _Wanted, name: str, value: str) -> bool:
    wanted.shape = take(wanted.shape, name, value)
    return True


def _take_count(wanted: _Wanted, name: str, value: str) -> bool:
    if not (value.isascii() and value.isdigit()) or len(value) > _LONGEST_COUNT:
        raise Refused(INVALID_SEARCH, f"{COUNT} is a number of matches, 0 or more.")
    wanted.count = int(value)
    if wanted.count == 0:
        wanted.shape = COUNTED
    return True


def _take_include(wanted: _Wanted, name: str, value: str) -> bool:
    """Plans and teams come with a Flag in any case; what else is asked for is not here."""
    return value.lower() in _INCLUDED


def _take_format(wanted: _Wanted, name: str, value: str) -> bool:
    return True


_LONGEST_COUNT = 9
_INCLUDED = frozenset(each.lower() for each in INCLUDES)
_Taker = Callable[[_Wanted, str, str], bool]
_TAKER: dict[str, _Taker] = {
    "code": _take_code,
    "category": _take_code,
    **dict.fromkeys(FILTERS, _take_filter),
    **dict.fromkeys((SUMMARY, ELEMENTS), _take_shape),
    **dict.fromkeys((INCLUDE, f"{INCLUDE}:iterate", f"{INCLUDE}:recurse"), _take_include),
    COUNT: _take_count,
    FORMAT: _take_format,
}
_TAKERS = {
    resource: {
        name: taker for name, taker in _TAKER.items() if name.partition(":")[0] in {parameter.name for parameter in parameters}
    }
    for resource, parameters in PARAMETERS.items()
}
"""By resource and name: what takes a parameter's value, and says whether it is used."""


def _check_unknown(name: str, resource: str, *, strict: bool) -> None:
    base = name.replace(".", ":").partition(":")[0]
    names = [parameter.name for parameter in PARAMETERS[resource]]
    if base in names:
        raise Refused(INVALID_SEARCH, f"This spelling of the parameter {base} is not supported.")
    if strict:
        words = f"The search has a parameter that is not supported here. Supported: {', '.join(names)}."
        raise Refused(INVALID_SEARCH, words)


def _check_lenient(name: str, *, strict: bool) -> None:
    if strict:
        raise Refused(INVALID_SEARCH, f"This value of {name} is not supported.")
