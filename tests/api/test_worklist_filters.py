"""What is chosen lives in the address: it comes back as it went, and no address can break the page or carry anything else."""

from urllib.parse import parse_qs, parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as some

from api.worklist_filters import Filters, View, from_text, read_filters
from domain.actor import Role
from domain.care_setting import CareSetting
from safeguarding.telling.urgency import Sort
from safeguarding.telling.worklist import Chosen, Stands
from tests.api.house import NORTHMOOR, House

NAMES = ("view", "state", "site", "setting", "sort")
FILTERS = some.builds(
    Filters,
    view=some.sampled_from(View),
    state=some.none() | some.sampled_from(Stands),
    site=some.just("") | some.from_regex(r"[A-Z0-9]{3,12}", fullmatch=True),
    setting=some.none() | some.sampled_from(CareSetting),
    sort=some.sampled_from(Sort),
)


@given(FILTERS)
def test_what_is_chosen_comes_back_from_its_address(filters: Filters) -> None:
    assert read_filters(dict(parse_qsl(filters.query))) == filters
    assert from_text(filters.query) == filters


@given(some.dictionaries(some.sampled_from([*NAMES, "name", "nhs"]), some.text()))
def test_whatever_an_address_says_nothing_but_choices_is_kept_of_it(query: dict[str, str]) -> None:
    kept = parse_qs(read_filters(query).query)
    assert set(kept) <= set(NAMES)
    assert read_filters({name: value for name, [value] in kept.items()}) == read_filters(query)


@given(some.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    assert from_text(text).path.startswith("/worklist")


@pytest.mark.parametrize(
    "query",
    [
        {}, {"view": "everybody"}, {"state": "closed"}, {"site": "R0"}, {"site": "9990000018x9990000018"}, {"site": "R0A01'--"},
        {"setting": "ward"}, {"sort": "name"}, {"nhs": "9990000018"},
    ],
    ids=str,
)  # fmt: skip
def test_what_makes_no_sense_is_not_chosen(query: dict[str, str]) -> None:
    assert read_filters(query) == Filters()


def test_a_number_can_stand_in_no_address_that_we_make() -> None:
    assert Filters(site="R0A01", sort=Sort.AGE).path == "/worklist?site=R0A01&sort=age"
    assert Filters().path == "/worklist"


@pytest.mark.parametrize(
    "filters, expected",
    [
        (Filters(), Chosen()),
        (Filters(View.TEAM), Chosen(team="edt")),
        (Filters(View.MINE, Stands.READ), Chosen(mine=True, stands=Stands.READ)),
        (Filters(site="R0A01", setting=CareSetting.MATERNITY), Chosen(site="R0A01", care_setting="maternity")),
    ],
    ids=["all", "team", "mine and read", "site and setting"],
)
def test_what_is_chosen_is_what_the_store_is_asked(filters: Filters, expected: Chosen) -> None:
    assert filters.chosen("edt") == expected


@pytest.mark.parametrize(
    "filters, expected",
    [(Filters(), False), (Filters(state=Stands.WAITING), False), (Filters(sort=Sort.AGE), False), (Filters(View.TEAM), True),
     (Filters(state=Stands.READ), True), (Filters(site="R0A01"), True)],
    ids=lambda value: getattr(value, "query", value) or "whole",
)  # fmt: skip
def test_it_is_known_when_somebody_who_waits_could_be_left_out(filters: Filters, expected: bool) -> None:
    assert filters.leaves_out is expected


async def test_no_query_breaks_the_page(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR, "Wanda Worker")
    queries = [f"{name}={value}" for name in (*NAMES, "mark") for value in ("", "%00", "%ff", "x" * 900, "&" * 30, "%F0%9F", "1;2")]
    queries += ["view=team&view=mine", "=&=&", "%", "&".join(f"a{each}=1" for each in range(300))]
    async with house.browser(session) as browser:
        for query in queries:
            for path in ("/worklist", "/worklist/rows"):
                assert (await browser.get(f"{path}?{query}")).status_code == 200, query
