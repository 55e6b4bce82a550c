"""Filters of a subscription: "site=R0A01,R0A02" or "Communication?care-setting=maternity" to what they come to. Pure.

`reader` calls it with every backport-filter-criteria; several must all hold, as values with commas between are alternatives.
Source: Subscriptions R5 Backport IG 1.1, backport-filter-criteria.
"""

from collections.abc import Collection, Sequence
from urllib.parse import parse_qsl

from domain.care_setting import CareSetting
from fhir_adapter.encounters.problems import bad

SITE, CARE_SETTING = "site", "care-setting"
PARAMETERS = {
    SITE: "ODS codes of sites where the child was seen.",
    CARE_SETTING: "Kinds of care setting, as `nightlight site add` knows them.",
}
"""What can be filtered by, with the words under which the topics publish it."""

MOST = 10
_LONGEST = 500
_EXPRESSION = "Subscription.criteria.extension"


def read_filters(filters: Sequence[str], sites: Collection[str]) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """The sites and the care settings that are left; None is every one. `sites` are those that may be named.

    Raises BadResource for a filter that is not known, and where nothing would ever pass.
    """
    if len(filters) > MOST or any(len(each) > _LONGEST for each in filters):
        raise bad("too-long", _EXPRESSION, f"A subscription has {MOST} filters at most, of {_LONGEST} characters.")
    known = {SITE: frozenset(sites), CARE_SETTING: frozenset(setting.value for setting in CareSetting)}
    left: dict[str, frozenset[str]] = {}
    for each in filters:
        for name, values in _read(each):
            unknown = values - known[name]
            if unknown:
                raise bad("value", _EXPRESSION, f"The filter {name} names something that is not known here.")
            left[name] = left.get(name, values) & values
    if any(not values for values in left.values()):
        raise bad("value", _EXPRESSION, "No event could pass these filters.")
    return _sorted(left.get(SITE)), _sorted(left.get(CARE_SETTING))


def _read(text: str) -> list[tuple[str, frozenset[str]]]:
    resource, mark, query = text.partition("?")
    pairs = parse_qsl(query if mark else text, keep_blank_values=True)
    if (mark and resource not in {"", "Communication"}) or not pairs:
        raise _unknown()
    if any(name not in PARAMETERS for name, _ in pairs):
        raise _unknown()
    return [(name, frozenset(_spelled(name, value) for value in values.split(",") if value)) for name, values in pairs]


def _spelled(name: str, value: str) -> str:
    return value.strip().upper() if name == SITE else value.strip()


def _unknown() -> Exception:
    return bad("not-supported", _EXPRESSION, f"Events can be filtered by {' and '.join(PARAMETERS)}, and by nothing else.")


def _sorted(values: frozenset[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(sorted(values))
