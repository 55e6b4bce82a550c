"""The word that leads to a page: it comes back as it went, and whatever else comes is refused."""

import base64
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_adapter.audit_events.pages import page_word, read_page
from fhir_adapter.errors import Refused
from safeguarding.trail import Patient, TrailSearch

BEFORE = UUID("01990000-0000-7000-8000-00000000000a")
SEARCH = TrailSearch(
    patient=Patient((UUID("01990000-0000-7000-8000-000000000001"),), (b"\x01" * 32,)),
    agent="ward-app",
    agent_name="Zoë",
    organisation="R0A",
    since=datetime(2026, 3, 3, tzinfo=UTC),
    until=datetime(2026, 3, 4, 0, 0, 0, 1, tzinfo=UTC),
    before=BEFORE,
)
CONTENT = orjson.loads(base64.urlsafe_b64decode(page_word(SEARCH, BEFORE, 7) + "==="))


@pytest.mark.parametrize("search", [SEARCH, TrailSearch(before=BEFORE)])
def test_a_word_comes_back_as_the_search_that_it_was(search: TrailSearch) -> None:
    assert read_page(page_word(search, BEFORE, 7)) == (search, 7)


@pytest.mark.parametrize(
    "change",
    [
        {"before": "x"}, {"before": 5}, {"count": "many"}, {"count": 1e999}, {"agent": 5}, {"agent": "\0"}, {"since": "yesterday"},
        {"since": "2026-03-03T00:00:00"}, {"since": 5}, {"patient": []}, {"patient": [["x"], []]}, {"patient": [[], ["zz"]]},
    ],
)  # fmt: skip
def test_a_word_that_was_changed_into_nonsense_is_refused(change: dict[str, object]) -> None:
    word = base64.urlsafe_b64encode(orjson.dumps({**CONTENT, **change}).replace(b'"count":null', b'"count":1e999')).decode()
    with pytest.raises(Refused):
        read_page(word.rstrip("="))


@pytest.mark.parametrize("count, rows", [(0, 1), (100_000, 100)])
def test_no_word_makes_a_page_larger(count: int, rows: int) -> None:
    word = base64.urlsafe_b64encode(orjson.dumps({**CONTENT, "count": count})).decode()
    assert read_page(word.rstrip("="))[1] == rows


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_comes_is_a_page_or_refused(word: str) -> None:
    with pytest.raises(Refused):
        read_page(word)
