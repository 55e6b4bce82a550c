"""What headers may say; whatever is malformed is refused, never guessed."""

from uuid import UUID

import pytest

from fhir_adapter.errors import BAD_HEADER, Refused
from fhir_adapter.headers import mirrored, read_headers

ID = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-request-id": "1"},
        {"x-request-id": ""},
        {"x-request-id": f"{ID}, {ID}"},
        {"x-request-id": f"{{{ID}}}"},
        {"x-request-id": ID.replace("-", "")},
        {"x-correlation-id": "9990000018 Ada Example"},
        {"x-correlation-id": "x" * 129},
        {"isunscheduledaccessevent": "yes"},
        {"isunscheduledaccessevent": ""},
        {"isunscheduledaccessevent": "1"},
        {"isunscheduledaccessevent": "true, false"},
        {"nhsd-end-user-organisation-ods": "R0A 01"},
        {"nhsd-end-user-organisation-ods": ""},
        {"nhsd-session-urid": "a b"},
        {"nhsd-session-urid": "1" * 65},
    ],
)
def test_a_malformed_header_is_refused_and_not_repeated(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        read_headers(headers, ID)
    assert refused.value.kind is BAD_HEADER
    assert refused.value.words.startswith("Missing or invalid header parameter: ")
    assert all(len(value) < 2 or value not in refused.value.words for value in headers.values())


@pytest.mark.parametrize("said, meant", [("true", True), ("false", False), ("True", True), ("FALSE", False), (None, None)])
def test_unscheduled_is_true_false_or_not_said(said: str | None, meant: bool | None) -> None:
    headers = {} if said is None else {"isunscheduledaccessevent": said}
    assert read_headers(headers, ID).unscheduled is meant


@pytest.mark.parametrize(
    "prefer, strict",
    [
        ("", False),
        ("handling=lenient", False),
        ("mishandling=strict", False),
        ("handling=strictly", False),
        ("return=minimal", False),
        ("handling=strict", True),
        ('handling = "strict"', True),
        ("return=minimal, handling=strict", True),
        ("respond-async; handling=Strict", True),
    ],
)
def test_prefer_chooses_strict_handling(prefer: str, strict: bool) -> None:
    assert read_headers({"prefer": prefer}, ID).strict is strict


def test_who_looks_from_where_is_read() -> None:
    asked = read_headers({"nhsd-end-user-organisation-ods": "r0a02", "nhsd-session-urid": "555254240100"}, ID)
    assert (asked.organisation, asked.user_role_id, asked.request_id) == ("R0A02", "555254240100", ID)


def test_ids_come_back_as_they_were_given() -> None:
    given = {"x-request-id": ID.upper(), "x-correlation-id": "trace/7:a"}
    assert mirrored(given) == given


@pytest.mark.parametrize("headers", [{}, {"x-request-id": "nonsense", "x-correlation-id": "<>"}])
def test_a_request_id_is_made_where_none_can_be_given_back(headers: dict[str, str]) -> None:
    given_back = mirrored(headers)
    assert list(given_back) == ["x-request-id"]
    assert str(UUID(given_back["x-request-id"])) == given_back["x-request-id"]
