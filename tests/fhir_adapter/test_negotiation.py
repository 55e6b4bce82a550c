"""JSON in both directions, and a form for a search by POST."""

import pytest

from fhir_adapter.errors import NOT_ACCEPTABLE, WRONG_MEDIA_TYPE, Refused
from fhir_adapter.negotiation import check_acceptable, check_form


@pytest.mark.parametrize(
    "accept, format_asked",
    [
        ("application/fhir+xml", None),
        ("text/html", None),
        ("application/fhir+json;q=0", None),
        ("application/fhir+json; q=0.0", None),
        ("application/fhir+json; fhirVersion=3.0", None),
        ("application/fhir+turtle, image/*", None),
        ("application/fhir+json", "xml"),
        ("application/fhir+json", ""),
        ("*/*", "application/fhir+xml"),
    ],
)
def test_what_is_not_json_is_not_acceptable(accept: str, format_asked: str | None) -> None:
    with pytest.raises(Refused) as refused:
        check_acceptable(accept, format_asked)
    assert refused.value.kind is NOT_ACCEPTABLE


@pytest.mark.parametrize(
    "accept, format_asked",
    [
        ("", None),
        ("*/*", None),
        ("application/*;q=0.1", None),
        ("application/fhir+json", None),
        ("Application/FHIR+JSON; fhirVersion=4.0", None),
        ("application/json", None),
        ("application/fhir+xml, application/fhir+json;q=0.9", None),
        ("application/fhir+xml", "json"),
        ("text/html", "application/fhir+json"),
        ("text/html", "application/fhir json"),
        ("", "application/json"),
    ],
)
def test_json_is_acceptable_in_all_its_names(accept: str, format_asked: str | None) -> None:
    check_acceptable(accept, format_asked)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/fhir+json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=utf-16",
    ],
)
def test_a_body_that_is_no_form_is_refused(content_type: str) -> None:
    with pytest.raises(Refused) as refused:
        check_form(content_type)
    assert refused.value.kind is WRONG_MEDIA_TYPE


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        'Application/X-WWW-Form-Urlencoded;charset="utf-8"',
    ],
)
def test_a_form_in_utf8_is_taken(content_type: str) -> None:
    check_form(content_type)
