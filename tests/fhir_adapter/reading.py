"""Reads a searchset that came back, which must be valid: its matches, and the sentences of its outcome entry."""

from typing import Any

from tests.fhir_adapter.asking import Response
from tests.fhir_adapter.validity import check_valid


def matches(response: Response) -> list[dict[str, Any]]:
    assert response.status == 200, response.body
    check_valid(response.json)
    return [entry["resource"] for entry in response.json["entry"] if entry["search"]["mode"] == "match"]


def sentences(response: Response) -> list[str]:
    [outcome] = [entry["resource"] for entry in response.json["entry"] if entry["search"]["mode"] == "outcome"]
    return [issue["details"]["text"] for issue in outcome["issue"]]
