"""The parts of the documents that are made from the code are those that the code makes now."""

import pytest

from domain.alert import TRANSITIONS
from runtime.settings import Settings
from tests.docs.reading import page, section
from tools.write_docs import PAGES, PARTS, alert_states, rendered, settings


def test_a_part_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(KeyError):
        rendered("<!-- made: nothing -->\n<!-- end: nothing -->\n")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_the_code_says(name: str) -> None:
    assert page(name) == rendered(page(name)), "run `python -m tools.write_docs`"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_stands_in_one_page(part: str) -> None:
    assert sum(page(name).count(f"<!-- made: {part} -->") for name in PAGES) == 1


def test_text_that_people_wrote_stays_as_it_is() -> None:
    before = "# Title\n\nabove\n<!-- made: settings -->\nOUT OF DATE\n<!-- end: settings -->\nbelow\n"
    after = rendered(before)
    assert after.startswith("# Title\n\nabove\n<!-- made: settings -->\n")
    assert after.endswith("<!-- end: settings -->\nbelow\n")
    assert "OUT OF DATE" not in after


def test_every_setting_is_in_the_table_with_its_variable() -> None:
    made = settings()
    for name, field in Settings.model_fields.items():
        assert f"| `NIGHTLIGHT_{name.upper()}` |" in made
        assert field.description, f"{name} says nothing about itself"
        assert field.description in made


def test_no_secret_has_a_default_that_is_shown() -> None:
    secret = [line for line in settings().splitlines() if line.endswith("| yes |")]
    assert secret
    assert all("| empty |" in line for line in secret)


def test_every_transition_is_drawn() -> None:
    drawn = alert_states()
    for (before, event), after in TRANSITIONS.items():
        [line] = [line for line in drawn.splitlines() if line.strip().startswith(f"{before.value} --> {after.value}:")]
        assert event.value in line


def test_nothing_lives_for_no_years() -> None:
    """A span shorter than a day is told in hours."""
    assert "| 0 years |" not in section("architecture.md", "### What is kept, and for how long")
