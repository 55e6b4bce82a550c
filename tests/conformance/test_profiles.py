"""Every answer keeps the rules of the profiles, and each rule finds the answer that does not."""

import copy
from typing import Any

import pytest

from tests.conformance.breaking import Break, flag, part, plan, provenance, team
from tests.conformance.profiles import MASKED, RULES, broken_rules
from tests.fhir_adapter.validity import walk

Json = dict[str, Any]

FLAGS, HELD_BACK, TWO, ERROR = "flags of one plan", "flags held back", "flags of two authorities", "a wrong number"


def coverage(bundle: Json) -> Json:
    return part(bundle, "OperationOutcome")


def without(bundle: Json, resource_type: str) -> None:
    bundle["entry"] = [each for each in bundle["entry"] if each["resource"]["resourceType"] != resource_type]


def twice(bundle: Json) -> None:
    bundle["entry"].insert(0, bundle["entry"][0])
    bundle["total"] += 1


BROKEN: tuple[tuple[str, str, Break], ...] = (
    ("Flag: has England's profile", FLAGS, lambda r: flag(r)["meta"].update(profile=["http://other.example/Flag"])),
    ("Flag: is a child protection flag", FLAGS, lambda r: flag(r)["code"]["coding"][0].update(code="female-genital-mutilation")),
    ("Flag: is a child protection flag", FLAGS, lambda r: flag(r)["code"]["coding"][0].pop("display")),
    ("Flag: is active or inactive", FLAGS, lambda r: flag(r).update(status="entered-in-error")),
    ("Flag: is about an NHS number", FLAGS, lambda r: flag(r)["subject"]["identifier"].update(value="9990000019")),
    ("Flag: is about an NHS number", FLAGS, lambda r: flag(r)["subject"]["identifier"].update(system="urn:other")),
    ("Flag: is about an NHS number", FLAGS, lambda r: flag(r)["subject"].update(display="Ada Example")),
    ("Flag: is about an NHS number", FLAGS, lambda r: flag(r)["subject"].update(reference="Patient/9990000018")),
    ("Flag: has a period, or says that it is held back", FLAGS, lambda r: flag(r).update(period=MASKED)),
    ("Flag: has a period, or says that it is held back", FLAGS, lambda r: flag(r)["period"].update(end="1999-01-01")),
    ("Flag: has a period, or says that it is held back", HELD_BACK, lambda r: flag(r).update(period={"start": "2026-01-05"})),
    ("Flag: leads to its plans", FLAGS, lambda r: flag(r).pop("extension")),
    ("Flag: leads to its plans", FLAGS, lambda r: flag(r)["extension"][0].update(url="http://other.example/detail")),
    ("Flag: contains its provenance", FLAGS, lambda r: flag(r).pop("contained")),
    ("Provenance: has England's profile", FLAGS, lambda r: provenance(r).pop("meta")),
    ("Provenance: is that of the Flag", FLAGS, lambda r: provenance(r).update(target=[{"reference": "Flag/1"}])),
    ("Provenance: says when", FLAGS, lambda r: provenance(r).update(recorded="2026-03-03")),
    ("Provenance: says what was done", FLAGS, lambda r: provenance(r)["activity"]["coding"][0].update(code="DELETE")),
    ("Provenance: says who, and for whom", FLAGS, lambda r: provenance(r)["agent"][0].pop("onBehalfOf")),
    ("Provenance: says who, and for whom", FLAGS, lambda r: provenance(r).update(agent=[])),
    ("CarePlan: has England's profile", FLAGS, lambda r: plan(r)["meta"].pop("profile")),
    ("CarePlan: is active or completed", FLAGS, lambda r: plan(r).update(status="revoked")),
    ("CarePlan: is a plan", FLAGS, lambda r: plan(r).update(intent="proposal")),
    ("CarePlan: is of one kind", FLAGS, lambda r: plan(r)["category"][0]["coding"][0].update(code="22298006")),
    ("CarePlan: is about an NHS number", FLAGS, lambda r: plan(r).pop("subject")),
    ("CarePlan: has a period, or says that it is held back", FLAGS, lambda r: plan(r).pop("period")),
    ("CarePlan: has one team", TWO, lambda r: plan(r)["careTeam"].append({"reference": "CareTeam/other"})),
    ("CareTeam: has England's profile", FLAGS, lambda r: team(r)["meta"].update(profile=[])),
    ("CareTeam: is active or inactive", FLAGS, lambda r: team(r).update(status="proposed")),
    ("CareTeam: is of one kind", FLAGS, lambda r: team(r).pop("category")),
    ("CareTeam: is about an NHS number", FLAGS, lambda r: team(r)["subject"].pop("type")),
    ("CareTeam: has a period, or says that it is held back", HELD_BACK, lambda r: team(r).pop("period")),
    ("CareTeam: is named CODE - NAME", FLAGS, lambda r: team(r).update(name="Ambershire")),
    ("CareTeam: is named CODE - NAME", FLAGS, lambda r: team(r).update(name="Withheld")),
    ("CareTeam: is named CODE - NAME", HELD_BACK, lambda r: team(r).update(name="301 - Ambershire")),
    ("CareTeam: can be rung at work and out of hours", FLAGS, lambda r: team(r)["telecom"].pop()),
    ("CareTeam: can be rung at work and out of hours", FLAGS, lambda r: team(r)["telecom"][0].update(rank=3)),
    ("CareTeam: can be rung at work and out of hours", HELD_BACK, lambda r: team(r)["telecom"].append({"value": "01632 960301"})),
    ("Bundle: counts its matches, and says what was asked", FLAGS, lambda r: r.update(total=4)),
    ("Bundle: counts its matches, and says what was asked", FLAGS, lambda r: r.update(link=[])),
    ("Bundle: says how far it reaches", FLAGS, lambda r: without(r, "OperationOutcome")),
    ("Bundle: says how far it reaches", FLAGS, lambda r: coverage(r)["issue"].clear()),
    ("Bundle: says how far it reaches", FLAGS, lambda r: coverage(r)["issue"][0].update(severity="error")),
    ("Bundle: has one Flag a person", FLAGS, twice),
    ("Bundle: has each plan with its team", TWO, lambda r: without(r, "CarePlan")),
    ("Bundle: has each plan with its team", FLAGS, lambda r: without(r, "CareTeam")),
    ("OperationOutcome: has a Spine code for each error", ERROR, lambda r: r["issue"][0]["details"].pop("coding")),
    ("OperationOutcome: has a Spine code for each error", ERROR, lambda r: r["issue"][0]["details"]["coding"][0].update(code="OH")),
    ("OperationOutcome: carries no patient", ERROR, lambda r: r["issue"][0].update(diagnostics="999 000 0018 is unknown.")),
)  # fmt: skip
"""The rule that must find it, the sample, and how the sample is broken."""


@pytest.mark.parametrize("rule, sample, breaking", BROKEN, ids=range(len(BROKEN)))
def test_what_breaks_a_rule_is_found(rule: str, sample: str, breaking: Break, samples: dict[str, Json]) -> None:
    resource = copy.deepcopy(samples[sample])
    assert broken_rules(resource) == []
    breaking(resource)
    assert rule in broken_rules(resource)


def test_every_rule_has_something_that_breaks_it() -> None:
    assert {str(rule) for rule in RULES} == {rule for rule, _, _ in BROKEN}


def test_every_answer_keeps_the_rules(samples: dict[str, Json]) -> None:
    assert {name: broken for name, resource in samples.items() if (broken := broken_rules(resource))} == {}


def test_every_rule_is_about_something_that_is_really_answered(samples: dict[str, Json]) -> None:
    answered = {path for resource in samples.values() for path, _ in walk(resource, resource["resourceType"])}
    assert {rule.resource_type for rule in RULES} <= answered
