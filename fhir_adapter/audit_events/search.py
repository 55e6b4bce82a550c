"""What a search of AuditEvent asks: the history of one patient, or a page of the whole trail. Pure.

`handler` calls one or the other. The patient is read as in every other search (`fhir_adapter.search`).
Sources: CP-IS FHIR API guides (GET /AuditEvent); FHIR R4, "Search" (dates, _include, paging) and AuditEvent (agent, date).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode

from domain.nhs_number import NhsNumber
from fhir_adapter.audit_events.codes import ASSIGNED, ODS_CODE, ROLE_CLASS, ROLE_PROFILE
from fhir_adapter.audit_events.dates import read_period
from fhir_adapter.audit_events.pages import read_page
from fhir_adapter.errors import INVALID_SEARCH, NOT_ALLOWED, Refused
from fhir_adapter.search import parse_search
from fhir_adapter.search_parameters import FORMAT
from safeguarding.access_history import MOST_SHARED
from safeguarding.trail import TrailSearch

MOST_OF_TRAIL = 100
PAGE = "_page"
"""Names the page that a `link.next` leads to."""

Pairs = Sequence[tuple[str, str]]

_INCLUDES = frozenset({"AuditEvent:entity-type", f"AuditEvent:entity-type={ROLE_CLASS}|{ASSIGNED}", "AuditEvent:entity"})
_DATES = frozenset({"date", "_lastUpdated"})
_AGENTS = frozenset({"agent", "agent:identifier", "agent.identifier"})
_AGENT_SYSTEMS = frozenset({"", ROLE_PROFILE})
_OF_TRAIL = _DATES | _AGENTS | {"agent-name", PAGE}


@dataclass(frozen=True, slots=True)
class HistorySearch:
    """The newest accesses of one patient. `self_link` shows what was really used."""

    number: NhsNumber
    count: int
    with_roles: bool
    self_link: str


@dataclass(frozen=True, slots=True)
class TrailAsked:
    """One page of the trail. `number` is the patient's, where one was named; on later pages `search` knows whom it led to."""

    number: NhsNumber | None
    search: TrailSearch
    count: int
    self_link: str


def parse_history(pairs: Pairs, base_url: str, *, by_post: bool, strict: bool) -> HistorySearch:
    """The search of a client that is no auditor. Raises Refused where no patient is named, or where it asks for the trail."""
    of_trail = any(name in _OF_TRAIL for name, _ in pairs)
    if of_trail and not _names_patient(pairs):
        raise Refused(NOT_ALLOWED, "Only registered auditors search the trail without a patient.")
    if of_trail and strict:
        raise Refused(INVALID_SEARCH, "The history of a patient is searched by patient, _include and _count alone.")
    used = [(name, value) for name, value in pairs if _is_used_include(name, value, strict=strict)]
    counts = [(name, value) for name, value in pairs if name == "_count"]
    search = parse_search("AuditEvent", _others(pairs, {"_include", "_count"} | _OF_TRAIL), strict=strict)
    link = replace(search, used=(*search.used, *used, *counts)).link(base_url, by_post=by_post)
    return HistorySearch(search.number, _count(counts, MOST_SHARED), bool(used), link)


def parse_trail(pairs: Pairs, base_url: str, *, by_post: bool, strict: bool) -> TrailAsked:
    """The search of an auditor. Raises Refused for what might be answered for somebody or some time else."""
    pages = [value for name, value in pairs if name == PAGE]
    if pages:
        if len(pages) > 1 or _names_patient(pairs) or any(name in _OF_TRAIL - {PAGE} for name, _ in pairs):
            raise Refused(INVALID_SEARCH, "A page is asked for alone: its link holds the whole search.")
        search, count = read_page(pages[0])
        return TrailAsked(None, search, count, f"{base_url}/AuditEvent?{PAGE}={pages[0]}")
    own = [(name, value) for name, value in pairs if name in _OF_TRAIL or name == "_count"]
    others = _others(pairs, _OF_TRAIL | {"_count"})
    agent, organisation = _agent([value for name, value in own if name in _AGENTS])
    since, until = _period([value for name, value in own if name in _DATES])
    conditions = TrailSearch(
        agent=agent, organisation=organisation, since=since, until=until,
        agent_name=_one([value for name, value in own if name == "agent-name"], "agent-name"),
    )  # fmt: skip
    count = max(1, _count([pair for pair in own if pair[0] == "_count"], MOST_OF_TRAIL))
    if _names_patient(pairs):
        search_of = parse_search("AuditEvent", _others(others, {"_include"}), strict=strict)
        link = replace(search_of, used=(*search_of.used, *own)).link(base_url, by_post=by_post)
        return TrailAsked(search_of.number, conditions, count, link)
    unknown = {name for name, _ in others} - {FORMAT, "_include"}
    if unknown and (strict or any(_base(name) == "agent" for name in unknown)):
        raise Refused(INVALID_SEARCH, "The trail is searched by patient, agent, agent-name, date and _lastUpdated.")
    return TrailAsked(None, conditions, count, _address(base_url, own, by_post=by_post))


def _names_patient(pairs: Pairs) -> bool:
    return any(_base(name) in {"patient", "subject"} for name, _ in pairs)


def _base(name: str) -> str:
    return name.replace(".", ":").partition(":")[0]


def _others(pairs: Pairs, names: set[str] | frozenset[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in pairs if name not in names]


def _is_used_include(name: str, value: str, *, strict: bool) -> bool:
    if name != "_include":
        return False
    if value not in _INCLUDES and strict:
        raise Refused(INVALID_SEARCH, f"What can be included is AuditEvent:entity-type={ROLE_CLASS}|{ASSIGNED}.")
    return value in _INCLUDES


def _count(counts: Pairs, most: int) -> int:
    if not counts:
        return most
    value = _one([value for _, value in counts], "_count")
    if not value.isascii() or not value.isdigit() or len(value) > 6:
        raise Refused(INVALID_SEARCH, "_count is a whole number.")
    return min(int(value), most)


def _one(values: Sequence[str], name: str) -> str:
    if len(values) > 1:
        raise Refused(INVALID_SEARCH, f"{name} is given once.")
    return values[0] if values else ""


def _agent(values: Sequence[str]) -> tuple[str, str]:
    """Who acted, as an id and an organisation's code; one of them, or none, is empty."""
    value = _one(values, "agent")
    system, bar, text = value.rpartition("|")
    if bar and system == ODS_CODE:
        return "", text
    if system not in _AGENT_SYSTEMS or (values and not text):
        raise Refused(INVALID_SEARCH, f"agent is an id, alone or after {ROLE_PROFILE}|, or a code after {ODS_CODE}|.")
    return text, ""


def _period(values: Sequence[str]) -> tuple[datetime | None, datetime | None]:
    """The time that all of them leave."""
    periods = [read_period(value) for value in values]
    since = max((begin for begin, _ in periods if begin), default=None)
    until = min((end for _, end in periods if end), default=None)
    return since, until


def _address(base_url: str, used: Pairs, *, by_post: bool) -> str:
    address = f"{base_url}/AuditEvent{'/_search' if by_post else ''}"
    return f"{address}?{urlencode(used, safe=':/', quote_via=quote)}" if used else address
