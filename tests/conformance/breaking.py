"""Samples with one thing wrong with each, and who finds it: by them the validators show that they validate.

`test_validity` breaks a real answer by each line of `BROKEN`, and asks all four whether it is valid.
"""

import copy
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Break = Callable[[Json], object]

FLAGS, ERROR, STATEMENT, PARAMETER = "flags of one plan", "a wrong number", "capabilities", "search parameter"
FHIRKIT, PYROFILE, NPM_FHIR, OURS = "fhirkit-rs", "pyrofile-validator", "fhir (npm)", "fhir.resources and our bindings"
VALIDATORS = (FHIRKIT, PYROFILE, NPM_FHIR, OURS)


def broken(samples: dict[str, Json], name: str) -> Json:
    """A copy of the line's sample with the line's fault in it."""
    sample, breaking, _ = BROKEN[name]
    resource = copy.deepcopy(samples[sample])
    breaking(resource)
    assert resource != samples[sample]
    return resource


def found_by(name: str) -> set[str]:
    """The validators that find the fault of the line."""
    return {validator for letter, validator in zip("KPNO", VALIDATORS, strict=True) if letter in BROKEN[name][2]}


def part(bundle: Json, resource_type: str) -> Json:
    """The first resource of a type in a Bundle."""
    resource: Json = next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == resource_type)
    return resource


def flag(bundle: Json) -> Json:
    return part(bundle, "Flag")


def plan(bundle: Json) -> Json:
    return part(bundle, "CarePlan")


def team(bundle: Json) -> Json:
    return part(bundle, "CareTeam")


def provenance(bundle: Json) -> Json:
    contained: Json = flag(bundle)["contained"][0]
    return contained


BROKEN: dict[str, tuple[str, Break, str]] = {
    "Flag.status is no code of the list": (FLAGS, lambda r: flag(r).update(status="bogus"), "PNO"),
    "Flag.status is missing": (FLAGS, lambda r: flag(r).pop("status"), "KPNO"),
    "Flag.code is missing": (FLAGS, lambda r: flag(r).pop("code"), "KNO"),
    "Flag.subject is missing": (FLAGS, lambda r: flag(r).pop("subject"), "KNO"),
    "Flag has an element that FHIR does not": (FLAGS, lambda r: flag(r).update(colour="red"), "KPNO"),
    "Flag.code is a list": (FLAGS, lambda r: flag(r).update(code=[flag(r)["code"]]), "KPNO"),
    "Flag.period is a string": (FLAGS, lambda r: flag(r).update(period="2026"), "KPNO"),
    "Flag.period is null": (FLAGS, lambda r: flag(r).update(period=None), "KPO"),
    "Flag.period is empty": (FLAGS, lambda r: flag(r).update(period={}), "O"),
    "Flag.period starts in month 13": (FLAGS, lambda r: flag(r)["period"].update(start="2026-13-45"), "KO"),
    "Flag.id has a space": (FLAGS, lambda r: flag(r).update(id="no spaces"), "PO"),
    "an extension has two values": (FLAGS, lambda r: flag(r)["extension"][0].update(valueString="x"), "KPO"),
    "an extension has no url": (FLAGS, lambda r: flag(r)["extension"][0].pop("url"), "KPNO"),
    "Provenance.agent is missing": (FLAGS, lambda r: provenance(r).pop("agent"), "KNO"),
    "Provenance.target is missing": (FLAGS, lambda r: provenance(r).pop("target"), "KNO"),
    "Provenance.recorded is missing": (FLAGS, lambda r: provenance(r).pop("recorded"), "KPNO"),
    "CarePlan.intent is missing": (FLAGS, lambda r: plan(r).pop("intent"), "KPNO"),
    "CarePlan.intent is no code of the list": (FLAGS, lambda r: plan(r).update(intent="wish"), "PNO"),
    "CarePlan.category is no list": (FLAGS, lambda r: plan(r).update(category=plan(r)["category"][0]), "KNO"),
    "a reference leads nowhere": (FLAGS, lambda r: plan(r)["careTeam"][0].update(reference="CareTeam/none"), "O"),
    "CareTeam.name is an empty string": (FLAGS, lambda r: team(r).update(name=""), "KO"),
    "CareTeam.telecom is an empty list": (FLAGS, lambda r: team(r).update(telecom=[]), "KPO"),
    "telecom.use is no code of the list": (FLAGS, lambda r: team(r)["telecom"][0].update(use="desk"), "NO"),
    "telecom.rank is 0": (FLAGS, lambda r: team(r)["telecom"][0].update(rank=0), "KNO"),
    "telecom.rank is a string": (FLAGS, lambda r: team(r)["telecom"][0].update(rank="1"), "KN"),
    "Bundle.type is missing": (FLAGS, lambda r: r.pop("type"), "KPNO"),
    "Bundle.type is no code of the list": (FLAGS, lambda r: r.update(type="search"), "PNO"),
    "Bundle.total is a string": (FLAGS, lambda r: r.update(total="1"), "KPNO"),
    "Bundle.total is negative": (FLAGS, lambda r: r.update(total=-1), "KPO"),
    "Bundle.timestamp has no time zone": (FLAGS, lambda r: r.update(timestamp="2026-03-03T14:00:00"), "KPO"),
    "search.mode is no code of the list": (FLAGS, lambda r: r["entry"][0]["search"].update(mode="hit"), "PNO"),
    "fullUrl stands twice": (FLAGS, lambda r: r["entry"][1].update(fullUrl=r["entry"][0]["fullUrl"]), "PO"),
    "an entry is no resource of FHIR": (FLAGS, lambda r: flag(r).update(resourceType="Banner"), "KPNO"),
    "OperationOutcome.issue is missing": (ERROR, lambda r: r.pop("issue"), "KNO"),
    "issue.severity is no code of the list": (ERROR, lambda r: r["issue"][0].update(severity="bad"), "NO"),
    "issue.code is no code of the list": (ERROR, lambda r: r["issue"][0].update(code="oops"), "NO"),
    "issue.code is missing": (ERROR, lambda r: r["issue"][0].pop("code"), "KPNO"),
    "CapabilityStatement.kind is missing": (STATEMENT, lambda r: r.pop("kind"), "KPNO"),
    "CapabilityStatement.kind is no code of the list": (STATEMENT, lambda r: r.update(kind="sort"), "PNO"),
    "CapabilityStatement.fhirVersion is no version": (STATEMENT, lambda r: r.update(fhirVersion="9.9"), "NO"),
    "CapabilityStatement.format is missing": (STATEMENT, lambda r: r.pop("format"), "KPNO"),
    "interaction.code is no code of the list": (
        STATEMENT, lambda r: r["rest"][0]["resource"][0]["interaction"][0].update(code="look"), "NO",
    ),
    "SearchParameter.base is missing": (PARAMETER, lambda r: r.pop("base"), "KPNO"),
    "SearchParameter.type is no code of the list": (PARAMETER, lambda r: r.update(type="colour"), "PNO"),
}  # fmt: skip
"""What is wrong; the sample that it is done to, and how; and who finds it: K, P, N and O as in `VALIDATORS`."""
