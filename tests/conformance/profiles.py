"""The rules of England's and UK Core's profiles as the design page has them, for what validators without the profiles let pass.

`broken_rules` names those that a resource breaks. Every URL and code here is typed by hand, none is taken from the code.
Sources: Patient Flag guide (England-Flag-PatientFlag, -CarePlan-Flag, -CareTeam-Flag, -Provenance-Flag); CP-IS FHIR guides;
Spine-ErrorOrWarningCode.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

ENGLAND = "https://fhir.nhs.uk/England"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
FLAG_DETAIL = "http://hl7.org/fhir/StructureDefinition/flag-detail"
MASKED = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
FLAG_CODE = (f"{ENGLAND}/CodeSystem/England-FlagCategoryPatient", "child-protection-information-system-flag")
KINDS = {("http://snomed.info/sct", code) for code in ("342191000000101", "764841000000100", "818901000000100")}
OPERATIONS = {("http://terminology.hl7.org/CodeSystem/v3-DataOperation", code) for code in ("CREATE", "UPDATE")}
SPINE = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
SPINE_CODES = {
    "INVALID_SEARCH_DATA", "PRECONDITION_FAILED", "ACCESS_DENIED", "RESOURCE_NOT_FOUND", "INVALIDATED_RESOURCE",
    "UNSUPPORTED_SERVICE", "RESOURCE_VERSION_MISMATCH", "TOO_MANY_REQUESTS", "UNABLE_TO_CALL_SERVICE",
}  # fmt: skip
NAME = re.compile(r"[0-9A-Z]{3,6} - \S.*")
TEN_DIGITS = re.compile(r"\d{3}[ -]?\d{3}[ -]?\d{4}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule for resources of a type, in words, and whether it holds."""

    resource_type: str
    words: str
    holds: Callable[[Json], bool]

    def __str__(self) -> str:
        return f"{self.resource_type}: {self.words}"


def broken_rules(resource: Json) -> list[str]:
    """The rules that a resource breaks, or one inside it. A rule that cannot even be tried is broken."""
    return [str(rule) for each in _with_inner(resource) for rule in RULES if not _holds(rule, each)]


def _holds(rule: Rule, resource: Json) -> bool:
    if resource["resourceType"] != rule.resource_type:
        return True
    try:
        return rule.holds(resource)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return False


def _with_inner(resource: Json) -> Iterator[Json]:
    yield resource
    for inner in [*(entry["resource"] for entry in resource.get("entry", ())), *resource.get("contained", ())]:
        yield from _with_inner(inner)


def _profile(name: str) -> Callable[[Json], bool]:
    return lambda resource: resource["meta"]["profile"] == [f"{ENGLAND}/StructureDefinition/{name}"]


def _codes(concept: Json) -> set[tuple[str, str]]:
    return {(coding["system"], coding["code"]) for coding in concept["coding"] if coding["display"]}


def _one_of(concept: Json, codes: set[tuple[str, str]]) -> bool:
    return _codes(concept) != set() and _codes(concept) <= codes


def _is_withheld(resource: Json) -> bool:
    return any(label["code"] == "R" for label in resource["meta"].get("security", ()))


def _subject(resource: Json) -> bool:
    """The NHS number and nothing else: no name, and no reference to a Patient that is not served here."""
    digits = [int(digit) for digit in resource["subject"]["identifier"]["value"]]
    remainder = sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits[:9], strict=True)) % 11
    exact = {"type": "Patient", "identifier": {"system": NHS_NUMBER, "value": "".join(map(str, digits))}}
    return resource["subject"] == exact and len(digits) == 10 and (11 - remainder) % 11 == digits[9]


def _period(resource: Json) -> bool:
    period = resource["period"]
    if _is_withheld(resource):
        return bool(period == MASKED)
    return bool(period["start"] <= period.get("end", "9999")) and period.keys() <= {"start", "end"}


def _details(flag: Json) -> list[str]:
    return [each["valueReference"]["reference"] for each in flag["extension"] if each["url"] == FLAG_DETAIL]


def _provenance(flag: Json) -> bool:
    """What is held back is not told by its provenance either."""
    return [each["resourceType"] for each in flag.get("contained", ())] == ([] if _is_withheld(flag) else ["Provenance"])


def _agents(provenance: Json) -> bool:
    agents = provenance["agent"]
    return bool(agents) and all(agent["who"]["display"] and NAME.fullmatch(agent["onBehalfOf"]["display"]) for agent in agents)


def _phones(team: Json) -> bool:
    if _is_withheld(team):
        return bool(team["telecom"] == [MASKED])
    uses = {(each["system"], each["use"]) for each in team["telecom"]}
    ranks = sorted(each["rank"] for each in team["telecom"])
    return uses == {("phone", "work"), ("phone", "mobile")} and ranks == [1, 2] and all(each["value"] for each in team["telecom"])


def _held(bundle: Json, resource_type: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == resource_type]


def _whole(bundle: Json) -> bool:
    """A person's Flag stands beside the CarePlan and the CareTeam of each of that person's plans, and beside no others."""
    flags = _held(bundle, "Flag")
    details = sorted(reference for flag in flags for reference in _details(flag))
    plans = _held(bundle, "CarePlan")
    teams = sorted(f"CareTeam/{each['id']}" for each in _held(bundle, "CareTeam"))
    referred = sorted(each["careTeam"][0]["reference"] for each in plans)
    return not flags or (details == sorted(f"CarePlan/{each['id']}" for each in plans) and referred == teams)


def _one_flag_a_person(bundle: Json) -> bool:
    numbers = [flag["subject"]["identifier"]["value"] for flag in _held(bundle, "Flag")]
    return len(numbers) == len(set(numbers))


def _says_how_far_it_reaches(bundle: Json) -> bool:
    [outcome] = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "outcome"]
    sentences = [issue["details"]["text"] for issue in outcome["issue"]]
    levels = {issue["severity"] for issue in outcome["issue"]}
    return (
        levels <= {"information", "warning"}
        and any("connected to Nightlight" in each for each in sentences)
        and "This is not national: check CP-IS too." in sentences
    )


def _is_about_flags(bundle: Json) -> bool:
    """Whether it answers a search for a patient's plans: by what is in it, or by the address that it says was asked."""
    addresses = " ".join(link["url"] for link in bundle.get("link", ()))
    asked = any(f"/{each}" in addresses for each in ("Flag", "CareTeam"))
    return bundle["type"] == "searchset" and (asked or bool(_held(bundle, "Flag") + _held(bundle, "CareTeam")))


def _modes(bundle: Json) -> bool:
    modes = [entry["search"]["mode"] for entry in bundle["entry"]]
    self_link = [link["relation"] for link in bundle["link"]].count("self") == 1
    return bundle["total"] == modes.count("match") and self_link and all(entry["fullUrl"] for entry in bundle["entry"])


def _spine(outcome: Json) -> bool:
    """Errors alone have a Spine code; the outcome entry of a Bundle has none."""
    errors = [issue for issue in outcome["issue"] if issue["severity"] in {"error", "fatal"}]
    return all(
        coding["system"] == SPINE and coding["code"] in SPINE_CODES and coding["display"]
        for issue in errors
        for coding in issue["details"]["coding"]
    )


def _nobody(outcome: Json) -> bool:
    texts = [part for issue in outcome["issue"] for part in (issue.get("diagnostics", ""), issue["details"].get("text", ""))]
    return not any(TEN_DIGITS.search(text) for text in texts)


RULES = (
    Rule("Flag", "has England's profile", _profile("England-Flag-PatientFlag")),
    Rule("Flag", "is a child protection flag", lambda r: _codes(r["code"]) == {FLAG_CODE}),
    Rule("Flag", "is active or inactive", lambda r: r["status"] in {"active", "inactive"}),
    Rule("Flag", "is about an NHS number", _subject),
    Rule("Flag", "has a period, or says that it is held back", _period),
    Rule("Flag", "leads to its plans", lambda r: all(each.startswith("CarePlan/") for each in _details(r)) and bool(_details(r))),
    Rule("Flag", "contains its provenance", _provenance),
    Rule("Provenance", "has England's profile", _profile("England-Provenance-Flag")),
    Rule("Provenance", "is that of the Flag", lambda r: r["target"] == [{"reference": "#"}]),
    Rule("Provenance", "says when", lambda r: bool(re.fullmatch(r"\d{4}-\d\d-\d\dT.*(Z|[+]\d\d:\d\d)", r["recorded"]))),
    Rule("Provenance", "says what was done", lambda r: _one_of(r["activity"], OPERATIONS)),
    Rule("Provenance", "says who, and for whom", _agents),
    Rule("CarePlan", "has England's profile", _profile("England-CarePlan-Flag")),
    Rule("CarePlan", "is active or completed", lambda r: r["status"] in {"active", "completed"}),
    Rule("CarePlan", "is a plan", lambda r: r["intent"] == "plan"),
    Rule("CarePlan", "is of one kind", lambda r: len(r["category"]) == 1 and _one_of(r["category"][0], KINDS)),
    Rule("CarePlan", "is about an NHS number", _subject),
    Rule("CarePlan", "has a period, or says that it is held back", _period),
    Rule("CarePlan", "has one team", lambda r: [each["reference"].partition("/")[0] for each in r["careTeam"]] == ["CareTeam"]),
    Rule("CareTeam", "has England's profile", _profile("England-CareTeam-Flag")),
    Rule("CareTeam", "is active or inactive", lambda r: r["status"] in {"active", "inactive"}),
    Rule("CareTeam", "is of one kind", lambda r: len(r["category"]) == 1 and _one_of(r["category"][0], KINDS)),
    Rule("CareTeam", "is about an NHS number", _subject),
    Rule("CareTeam", "has a period, or says that it is held back", _period),
    Rule("CareTeam", "is named CODE - NAME", lambda r: bool(NAME.fullmatch(r["name"])) != _is_withheld(r)),
    Rule("CareTeam", "can be rung at work and out of hours", _phones),
    Rule("Bundle", "counts its matches, and says what was asked", lambda r: not _is_about_flags(r) or _modes(r)),
    Rule("Bundle", "says how far it reaches", lambda r: not _is_about_flags(r) or _says_how_far_it_reaches(r)),
    Rule("Bundle", "has one Flag a person", _one_flag_a_person),
    Rule("Bundle", "has each plan with its team", _whole),
    Rule("OperationOutcome", "has a Spine code for each error", _spine),
    Rule("OperationOutcome", "carries no patient", _nobody),
)
"""By resource type."""
