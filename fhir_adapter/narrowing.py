"""A search's own filters on what was found: fewer matches, and a warning; never "none known" of a child who is known. Pure.

`lookup` calls it after the desk has answered, where a search has filters or says how many matches a page shall have.
Sources: FHIR R4, "Search" (a parameter that is not used is missing from link.self); docs/integration/fhir.md, section 3.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from domain.answer import Flagged, NoneKnown, ShownFlag
from fhir_adapter.codes import Json
from fhir_adapter.resources import flag_id, plan_id
from fhir_adapter.search import Search
from fhir_adapter.search_parameters import COUNT
from fhir_adapter.searchset import Surroundings, render_matches

_NOT_APPLIED = "The search's filters would leave out all that is held: they were not applied."
_LEFT_OUT = "The search's filters left out {0} of what is held: search without them to see it."
_ONE_PAGE = "More matches than a page was to have: all of them are here, so that none can be overlooked."


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is left, the names of the parameters that were not applied, and what must be said about it."""

    answer: Flagged | NoneKnown
    not_applied: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def narrow(search: Search, answer: Flagged | NoneKnown, around: Surroundings) -> Narrowed:
    """The answer as far as the filters let it through. They let all of it through where else nothing would be left."""
    if not isinstance(answer, Flagged):
        return Narrowed(answer)
    matches = list(render_matches(search.resource, answer.flags, around))
    passing = {match["id"] for match in matches if _passes(search, match)}
    narrowed = _narrowed(search, answer, matches, passing)
    left = len(passing) or len(matches)
    if search.count and left > search.count:
        return replace(narrowed, not_applied=narrowed.not_applied | {COUNT}, notes=(*narrowed.notes, _ONE_PAGE))
    return narrowed


def _narrowed(search: Search, answer: Flagged, matches: list[Json], passing: set[UUID]) -> Narrowed:
    if not passing:
        return Narrowed(answer, frozenset(each.name for each in search.filters), (_NOT_APPLIED,))
    if len(passing) == len(matches):
        return Narrowed(answer)
    kept = tuple(shown for shown in answer.flags if _id_of_match(search.resource, shown) in passing)
    return Narrowed(replace(answer, flags=kept), notes=(_LEFT_OUT.format(len(matches) - len(passing)),))


def _passes(search: Search, match: Json) -> bool:
    return all(each.passes(match) for each in search.filters)


def _id_of_match(resource: str, shown: ShownFlag) -> UUID:
    return flag_id(shown.flag) if resource == "Flag" else plan_id(shown.flag)
