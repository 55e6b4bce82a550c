"""The shared access history on the banner: who has seen the child in unscheduled care, hidden where the record is sensitive."""

from domain.care_setting import CareSetting
from tests.api.house import HARBOUR, House, nhs_number
from tests.api.reading import details, words

CHILD = nhs_number(1)


def seen_by(page: str) -> str:
    text = words(page)
    return text[text.index("Who has asked about this person") :]


async def test_before_anybody_came_in_unscheduled_care_nobody_is_listed(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD, setting=CareSetting.GP)
    text = seen_by((await details(house, encounter)).text)
    assert text.startswith("Who has asked about this person Nobody in unscheduled care, as far as Nightlight knows.")


async def test_unscheduled_accesses_are_listed_newest_first_and_opening_the_banner_is_none(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    await house.seen(CHILD, site=HARBOUR)
    await details(house, encounter)
    text = seen_by((await details(house, encounter)).text)
    assert "The last 2 in unscheduled care, newest first" in text
    assert text.count("St Agnes PAS") == 2
    assert "Emergency department" in text
    assert "Carla Clinician" not in text


async def test_a_person_is_shown_by_role_and_a_system_by_the_role_profile_it_named(house: House) -> None:
    await house.flag(CHILD)
    encounter = await house.seen(CHILD)
    await house.rows(
        """
        INSERT INTO accesses (occurred_at, person_id, actor_kind, actor_id, actor_name, actor_role, organisation, purpose,
                              trigger_event, care_setting, in_history, outcome)
        SELECT now(), id, 'system', 'app', 'Ward app', '555021935107', 'R0A', 'direct-care', 'lookup', 'maternity', true, 'flagged'
        FROM persons RETURNING 1
        """
    )
    text = seen_by((await details(house, encounter)).text)
    assert "Ward app Maternity Role role profile 555021935107 Organisation St Agnes Trust" in text


async def test_of_a_sensitive_record_who_looked_is_hidden_until_the_glass_is_broken(house: House) -> None:
    await house.flag(CHILD, sensitive=True)
    encounter = await house.seen(CHILD)
    hidden = seen_by((await details(house, encounter)).text)
    assert "This record is sensitive. Who looked is hidden." in hidden
    assert "St Agnes PAS" not in hidden
    broken = await details(house, encounter, "break-glass", reason="injured, must ring now")
    assert "St Agnes PAS" in seen_by(broken.text)
