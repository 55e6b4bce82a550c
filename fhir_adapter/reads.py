"""A read by id: GET /Flag/{id}, /CarePlan/{id}, /CareTeam/{id}, of ids that an earlier Bundle gave out.

`app` calls it for an admitted client. An id is resolved to a number and asked at the same desk as any lookup, by the same rules
of care; only then is it said whether anything is there. Source: FHIR R4, "RESTful API" (read, conditional read).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from domain.answer import Caution, Flagged, NoneKnown
from domain.nhs_number import NhsNumber
from fhir_adapter.codes import TEST_DATA, Json
from fhir_adapter.conditional import answer_read
from fhir_adapter.errors import GONE, INVALID_SEARCH, NOT_FOUND, Refused
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.lookup import changes_of, look, origin_of
from fhir_adapter.resources import flag_id, plan_id
from fhir_adapter.search_parameters import FORMAT
from fhir_adapter.searchset import Surroundings, render_matches, render_plan
from fhir_adapter.summary import ELEMENTS, SUMMARY, WHOLE, Shape, take
from runtime.database import Database
from safeguarding.known_ids import number_of_person, number_of_plan

_NO_LONGER = "What had this id is no longer shown. Search by the NHS number for what is held today."


async def read_resource(parts: Parts, call: Call) -> Answered:
    """The resource, or 304 where the caller has it as it is.

    Raises Refused (404) where nothing has the id or what had it is no longer shown, and as `lookup.search_flags` does.
    """
    shape = _shape(call.pairs, strict=call.asked.strict)
    origin = await origin_of(parts, call)
    resource_type = call.interaction.resource
    number = await _number(parts.database, resource_type, call.id)
    if number is None:
        raise Refused(NOT_FOUND, "Nothing has this id.")
    answer, around = await look(parts, call, origin, number)
    around = replace(around, updated=await changes_of(parts, answer, around.at))
    resource = _find(resource_type, call.id, answer, around)
    if resource is None:
        raise Refused(GONE, _NO_LONGER)
    if Caution.TEST_STORE in answer.cautions:
        resource["meta"]["security"] = [*resource["meta"].get("security", ()), TEST_DATA]
    return answer_read(resource, call.headers, shape, around.at)


def _shape(pairs: Sequence[tuple[str, str]], *, strict: bool) -> Shape:
    shape = WHOLE
    for name, value in pairs:
        if name in {SUMMARY, ELEMENTS}:
            shape = take(shape, name, value)
        elif name != FORMAT and strict:
            raise Refused(INVALID_SEARCH, "A read has no parameter but _format, _summary and _elements.")
    return shape


async def _number(database: Database, resource_type: str, given: str) -> NhsNumber | None:
    try:
        an_id = UUID(given)
    except ValueError:
        return None
    return await _RESOLVE[resource_type](database, an_id) if str(an_id) == given else None


_RESOLVE: dict[str, Callable[[Database, UUID], Awaitable[NhsNumber | None]]] = {
    "Flag": number_of_person,
    "CarePlan": number_of_plan,
    "CareTeam": number_of_plan,
}


def _find(resource_type: str, given: str, answer: Flagged | NoneKnown, around: Surroundings) -> Json | None:
    held = answer.flags if isinstance(answer, Flagged) else ()
    if resource_type == "Flag":
        mine = [shown for shown in held if str(flag_id(shown.flag)) == given]
        return next(iter(render_matches("Flag", mine, around)), None)
    return next((render_plan(resource_type, shown, around) for shown in held if str(plan_id(shown.flag)) == given), None)
