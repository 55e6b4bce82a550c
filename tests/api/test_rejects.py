"""The page of rejected records: whose they are, what mends them, and what an extract that repeats them does to that."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.rejects import LABELS, ON_A_PAGE
from domain.actor import Actor, ActorKind, Role
from domain.extract import Declaration, Scope
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.record import COLUMNS
from flags_store.extracts.rejects import record_doubt
from runtime.clock import now
from safeguarding.extracts.loading import load_extract
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import words

HEADER = ",".join(COLUMNS)
SENDER = Actor(ActorKind.SYSTEM, "system", "Northmoor's system", NORTHMOOR)
WRONG, RIGHT = "9990000019", nhs_number(1)
GOOD = {
    "nhs_number": RIGHT, "kind": "CPP", "start_date": "2026-01-05", "end_date": "", "delete_date": "",
    "expected_delivery_date": "", "given_name": "Jo", "family_name": "Harding", "birth_date": "2019-03-03", "local_id": "A1",
}  # fmt: skip
BAD = GOOD | {"nhs_number": WRONG}
OTHERS = [
    (Role.CLINICIAN, "R0A"), (Role.SITE_SAFEGUARDING, "R0A"), (Role.SOCIAL_WORKER, NORTHMOOR),
    (Role.INFORMATION_GOVERNANCE, "nightlight"), (Role.DATA_OFFICER, WESTLEA),
]  # fmt: skip


async def sends(
    house: House,
    *records: dict[str, str],
    sensitive: bool = False,
    scope: Scope = Scope.PARTIAL,
    ago: float = 0,
    code: str = NORTHMOOR,
) -> UUID:
    """The authority's extract comes, and the oldest piece of work afterwards."""
    content = "\n".join([HEADER, *(",".join(each.values()) for each in records), ""]).encode()
    declaration = Declaration(now() - timedelta(minutes=ago), scope, sensitive)
    await load_extract(house.database, SENDER, code, io.BytesIO(content), declaration)
    rows = await house.rows("SELECT id FROM rejected_records ORDER BY first_rejected_at, line")
    return UUID(str(rows[0][0])) if rows else UUID(int=0)


async def officer(house: House, authority: str = NORTHMOOR) -> str:
    return await house.sign_in(Role.DATA_OFFICER, authority, "Dora Data")


async def get(house: House, path: str, session: str = "") -> tuple[int, str]:
    async with house.browser(session or await officer(house)) as browser:
        answer = await browser.get(path)
    return answer.status_code, words(answer.text) if "<main" in answer.text else answer.text


async def post(house: House, path: str, form: dict[str, str], session: str = "") -> tuple[int, str]:
    """Post it, and go where that leads."""
    session = session or await officer(house)
    async with house.browser(session) as browser:
        answer = await browser.post(path, data={"csrf": await house.token(session)} | form)
        if answer.status_code == 303:
            return 303, words((await browser.get(answer.headers["location"])).text)
    return answer.status_code, words(answer.text)


async def held(house: House) -> list[Any]:
    return await house.rows(
        "SELECT nhs_number, kind, start_date::text, deleted_on FROM flags JOIN persons ON persons.id = person_id"
    )


async def work(house: House) -> list[Any]:
    return [state for (state,) in await house.rows("SELECT state FROM rejected_records ORDER BY first_rejected_at, line")]


async def actions(house: House) -> list[Any]:
    return [action for (action,) in await house.rows("SELECT action FROM audit_events WHERE action LIKE 'rejected.%%' ORDER BY id")]


# Who may see and change what


async def test_anonymous_people_see_and_mend_nothing(house: House) -> None:
    work_id = await sends(house, BAD)
    async with house.browser() as browser:
        for path in ("/rejects", f"/rejects/{work_id}"):
            assert (await browser.get(path)).headers["location"] == f"/sign-in?next={path}"
        for what in ("", "/mend", "/dismiss", "/open-again"):
            assert (await browser.post(f"/rejects/{work_id}{what}", data={"csrf": "x"})).status_code == 401
    assert await work(house) == ["open"]


@pytest.mark.parametrize("role, organisation", OTHERS)
async def test_for_everybody_else_a_record_is_the_page_that_does_not_exist(house: House, role: Role, organisation: str) -> None:
    work_id = await sends(house, BAD)
    session = await house.sign_in(role, organisation)
    assert (await get(house, f"/rejects/{work_id}", session))[0] == 404
    form = GOOD | {"why": "not-ours", "reason": "I want to"}
    for what in ("", "/mend", "/dismiss", "/open-again"):
        assert (await post(house, f"/rejects/{work_id}{what}", form, session))[0] == 404
    if role is Role.DATA_OFFICER:
        assert "No rejected record waits" in (await get(house, "/rejects", session))[1]
    else:
        assert (await get(house, "/rejects", session))[0] == 404
    assert (await work(house), await held(house)) == (["open"], [])


@pytest.mark.parametrize("path", ["/rejects/01a203d5-4e60-70a0-9cf7-bebda7fbe4a4", "/rejects/1", "/rejects?show=all"])
async def test_what_is_not_there_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    assert (await get(house, path))[0] == 404


@pytest.mark.parametrize("what", ["", "/mend", "/dismiss", "/open-again"])
async def test_a_form_that_is_not_ours_changes_nothing(house: House, what: str) -> None:
    work_id = await sends(house, BAD)
    assert (await post(house, f"/rejects/{work_id}{what}", GOOD | {"why": "not-ours", "csrf": "x"}))[0] == 403
    assert (await work(house), await held(house)) == (["open"], [])


async def test_a_sensitive_record_is_masked_in_the_list_and_opens_with_a_reason_that_is_on_record(house: House) -> None:
    work_id = await sends(house, BAD, sensitive=True)
    session = await officer(house)
    listed = (await get(house, "/rejects", session))[1]
    assert "A sensitive record" in listed
    for status, page in (
        await get(house, f"/rejects/{work_id}", session),
        await post(house, f"/rejects/{work_id}", {"reason": " "}, session),
        await post(house, f"/rejects/{work_id}/dismiss", {"why": "nonsense"}, session),
    ):
        assert status in {200, 422}
        assert "This record is sensitive" in page
        assert "Harding" not in page + listed
    status, page = await post(house, f"/rejects/{work_id}", {"reason": "to mend the number"}, session)
    assert (status, "Harding" in page) == (200, True)
    [(reason,)] = await house.rows("SELECT detail->>'reason' FROM audit_events WHERE action = 'rejected.open'")
    assert reason == "to mend the number"


async def test_a_sensitive_record_that_is_mended_loads_masked(house: House) -> None:
    work_id = await sends(house, BAD, sensitive=True)
    assert (await post(house, f"/rejects/{work_id}/mend", GOOD))[0] == 303
    assert await house.rows("SELECT sensitive FROM persons") == [(True,)]


# Seeing


async def test_the_list_says_why_what_would_mend_it_how_old_it_is_and_how_often_it_came(house: House) -> None:
    await sends(house, BAD, ago=5)
    await sends(house, BAD | {"family_name": "Hardinge"})
    await house.rows("UPDATE rejected_records SET first_rejected_at = now() - interval '12 days' RETURNING 1")
    page = (await get(house, "/rejects"))[1]
    assert "1 record " in page
    assert "Jo Hardinge CPP from 2026-01-05, your number A1" in page
    assert "This is not an NHS number" in page
    assert "A digit is wrong or missing" in page
    assert "12 days in 2 extracts" in page


async def test_the_list_is_by_age_narrowed_by_reason_and_page_by_page(house: House) -> None:
    many = [BAD | {"local_id": f"N{position}"} for position in range(ON_A_PAGE)]
    await sends(house, *many, BAD | {"nhs_number": RIGHT, "kind": "XYZ", "local_id": "K1"})
    await house.rows(
        "UPDATE rejected_records SET first_rejected_at = now() - interval '2 days' WHERE code = 'unknown-kind' RETURNING 1"
    )
    session = await officer(house)
    first = (await get(house, "/rejects", session))[1]
    assert f"{ON_A_PAGE + 1} records, page 1 of 2" in first
    assert first.index("K1") < first.index("N0")
    second = (await get(house, "/rejects?page=2", session))[1]
    assert f"N{ON_A_PAGE - 1}" in second
    only = (await get(house, "/rejects?code=unknown-kind", session))[1]
    assert "1 record " in only
    assert "N0" not in only
    assert "There is no such page" in (await get(house, "/rejects?page=9", session))[1]


async def test_opening_a_record_shows_all_that_was_sent_and_is_audited(house: House) -> None:
    work_id = await sends(house, BAD | {"given_name": "<script>alert(1)</script>"})
    session = await officer(house)
    async with house.browser(session) as browser:
        page = (await browser.get(f"/rejects/{work_id}")).text
    assert "<script>alert" not in page
    assert "nhs_number Value 9990000019" in words(page)
    assert "Hospitals see nothing of this record" in words(page)
    assert await house.rows("SELECT action, actor_name, subject_id FROM audit_events WHERE action = 'rejected.open'") == [
        ("rejected.open", "Dora Data", str(work_id))
    ]


def test_each_of_the_ten_columns_can_be_corrected() -> None:
    assert tuple(LABELS) == COLUMNS


# Mending


async def test_a_corrected_number_opens_the_flag_at_once_and_what_was_sent_stays_beside_it(house: House) -> None:
    work_id = await sends(house, BAD)
    status, page = await post(house, f"/rejects/{work_id}/mend", GOOD)
    assert status == 303
    assert "Accepted. The plan is held now" in page
    assert await held(house) == [(RIGHT, "CPP", "2026-01-05", None)]
    assert await house.rows("SELECT state, closed_by, fields->>0, corrected->>0, record->>'nhs_number' FROM rejected_records") == [
        ("mended", "Dora Data", WRONG, RIGHT, WRONG)
    ]
    assert await house.rows("SELECT cause, extracted_at IS NOT NULL FROM extracts WHERE cause = 'mended'") == [("mended", True)]
    assert await actions(house) == ["rejected.correct", "rejected.mend", "rejected.list"]
    assert await house.rows("SELECT detail FROM audit_events WHERE action = 'rejected.correct'") == [({"columns": "nhs_number"},)]


async def test_what_a_person_mends_does_not_make_the_authoritys_feed_fresh(house: House) -> None:
    work_id = await sends(house, BAD, GOOD | {"local_id": "B", "nhs_number": nhs_number(2)}, ago=60)
    before = await house.rows("SELECT last_extracted_at FROM authorities WHERE code = %s", NORTHMOOR)
    assert (await post(house, f"/rejects/{work_id}/mend", GOOD))[0] == 303
    assert await house.rows("SELECT last_extracted_at FROM authorities WHERE code = %s", NORTHMOOR) == before


async def test_a_mended_child_who_is_in_a_department_now_is_swept_for(house: House) -> None:
    work_id = await sends(house, BAD)
    assert (await post(house, f"/rejects/{work_id}/mend", GOOD))[0] == 303
    assert await house.rows("SELECT sweep_due FROM extracts WHERE cause = 'mended'") == [(True,)]


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"nhs_number": "9990000027"}, "This is not an NHS number"),
        ({"nhs_number": ""}, "The field is empty, and is needed"),
        ({"end_date": "2025-01-01"}, "The plan ends before it starts"),
        ({"kind": ""}, "The field is empty, and is needed"),
        ({"birth_date": "3 March"}, "This is not a date"),
        ({"nhs_number": RIGHT, "start_date": "2999-01-01"}, "This is not a date"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, dict) else "",
)
async def test_a_correction_that_is_wrong_again_says_why_and_loads_nothing(
    house: House, changes: dict[str, str], sentence: str
) -> None:
    work_id = await sends(house, BAD)
    status, page = await post(house, f"/rejects/{work_id}/mend", GOOD | changes)
    assert (status, sentence in page) == (422, True)
    assert "There is a problem" in page
    assert (await work(house), await held(house)) == (["open"], [])
    status, page = await post(house, f"/rejects/{work_id}/mend", GOOD)
    assert (status, await work(house)) == (303, ["mended"])


async def test_a_line_that_never_had_its_columns_can_be_typed_in(house: House) -> None:
    content = f'{HEADER}\n{RIGHT},CPP,"2026-01-05\n'.encode()
    await load_extract(house.database, SENDER, NORTHMOOR, io.BytesIO(content), Declaration(now()))
    [(work_id,)] = await house.rows("SELECT id FROM rejected_records")
    assert (await get(house, f"/rejects/{work_id}"))[0] == 200
    assert (await post(house, f"/rejects/{work_id}/mend", GOOD))[0] == 303
    assert len(await held(house)) == 1


async def test_the_same_wrong_record_in_the_next_extract_undoes_nothing_and_says_to_correct_it_at_the_source(house: House) -> None:
    work_id = await sends(house, BAD, ago=5)
    await post(house, f"/rejects/{work_id}/mend", GOOD)
    await sends(house, BAD, scope=Scope.FULL)
    assert await held(house) == [(RIGHT, "CPP", "2026-01-05", None)]
    assert await work(house) == ["mended"]
    page = (await get(house, f"/rejects/{work_id}"))[1]
    assert "Correct it at the source Mended here on" in page
    assert "What was mended here stands" in page
    assert "Jo Harding" in (await get(house, "/rejects?show=still-sent"))[1]
    assert "No rejected record waits" in (await get(house, "/rejects"))[1]


async def test_a_plan_that_was_mended_here_is_not_missing_while_the_source_sends_it_wrong(house: House) -> None:
    work_id = await sends(house, BAD, ago=5)
    await post(house, f"/rejects/{work_id}/mend", GOOD)
    await sends(house, BAD, scope=Scope.FULL)
    assert await house.rows("SELECT missed_snapshots FROM flags") == [(0,)]


async def test_a_wrong_record_that_now_ends_the_mended_plan_is_work_again(house: House) -> None:
    work_id = await sends(house, BAD, ago=5)
    await post(house, f"/rejects/{work_id}/mend", GOOD)
    await sends(house, BAD | {"end_date": "2026-06-01"})
    assert await work(house) == ["open"]


async def test_what_is_corrected_at_the_source_goes_from_the_list_by_itself(house: House) -> None:
    work_id = await sends(house, BAD, ago=5)
    await sends(house, GOOD)
    assert await work(house) == ["accepted"]
    status, page = await post(house, f"/rejects/{work_id}/mend", GOOD)
    assert (status, "no longer open" in page) == (409, True)


async def test_a_second_person_who_is_too_late_changes_nothing(house: House) -> None:
    work_id = await sends(house, BAD)
    await post(house, f"/rejects/{work_id}/mend", GOOD)
    status, page = await post(house, f"/rejects/{work_id}/mend", GOOD | {"nhs_number": nhs_number(5)})
    assert (status, "no longer open" in page) == (409, True)
    status, _ = await post(house, f"/rejects/{work_id}/dismiss", {"why": "not-ours"})
    assert (status, await held(house)) == (409, [(RIGHT, "CPP", "2026-01-05", None)])


# Dismissing


@pytest.mark.parametrize(
    "form, sentence",
    [
        ({}, "Choose why it must not be loaded"),
        ({"why": "nonsense"}, "Choose why it must not be loaded"),
        ({"why": "other"}, "Say why, in 5 to 200 characters"),
        ({"why": "other", "words": "x" * 201}, "Say why, in 5 to 200 characters"),
    ],
    ids=["nothing", "nonsense", "other without words", "too long"],
)
async def test_nothing_is_dismissed_without_a_reason(house: House, form: dict[str, str], sentence: str) -> None:
    work_id = await sends(house, BAD)
    status, page = await post(house, f"/rejects/{work_id}/dismiss", form)
    assert (status, sentence in page) == (422, True)
    assert await work(house) == ["open"]


async def test_what_is_dismissed_says_by_whom_and_why_and_can_be_made_work_again(house: House) -> None:
    work_id = await sends(house, BAD)
    status, page = await post(house, f"/rejects/{work_id}/dismiss", {"why": "not-ours", "words": "moved in May"})
    assert (status, "Dismissed. The record is not loaded." in page) == (303, True)
    assert "Dismissed by Dora Data" in (await get(house, "/rejects?show=done"))[1]
    assert "The plan is another authority’s: moved in May" in (await get(house, f"/rejects/{work_id}"))[1]
    assert (await post(house, f"/rejects/{work_id}/open-again", {}))[0] == 303
    assert (await post(house, f"/rejects/{work_id}/open-again", {}))[0] == 409
    assert await work(house) == ["open"]
    assert [action for action in await actions(house) if action in {"rejected.dismiss", "rejected.open-again"}] == [
        "rejected.dismiss", "rejected.open-again",
    ]  # fmt: skip


# A plan in doubt


async def doubted(house: House) -> UUID:
    """A plan that is held, and that the register contradicts; the work on it."""
    await sends(house, GOOD, ago=9)
    [(flag,)] = await house.rows("SELECT id FROM flags")
    async with house.database.transaction() as transaction:
        await record_doubt(transaction, NORTHMOOR, UUID(str(flag)), RecordCode.NOT_IN_PDS)
    [(work_id,)] = await house.rows("SELECT id FROM rejected_records")
    return UUID(str(work_id))


async def test_a_plan_in_doubt_is_work_and_says_that_hospitals_see_it(house: House) -> None:
    work_id = await doubted(house)
    assert "Held, in doubt" in (await get(house, "/rejects"))[1]
    page = (await get(house, f"/rejects/{work_id}"))[1]
    assert "The plan is held and hospitals see it" in page
    assert "Hospitals see nothing of this record" not in page


async def test_a_plan_in_doubt_whose_number_is_corrected_opens_under_it_and_the_wrong_one_was_recorded_in_error(
    house: House,
) -> None:
    work_id = await doubted(house)
    assert (await post(house, f"/rejects/{work_id}/mend", GOOD | {"nhs_number": nhs_number(7)}))[0] == 303
    found = {number: deleted is not None for number, _, _, deleted in await held(house)}
    assert found == {RIGHT: True, nhs_number(7): False}
    assert await work(house) == ["mended"]


async def test_a_plan_in_doubt_whose_name_is_corrected_stays_the_same_plan(house: House) -> None:
    work_id = await doubted(house)
    assert (await post(house, f"/rejects/{work_id}/mend", GOOD | {"family_name": "Hardinge"}))[0] == 303
    assert await held(house) == [(RIGHT, "CPP", "2026-01-05", None)]
    assert await house.rows("SELECT family_name FROM persons") == [("Hardinge",)]


async def test_a_sealed_record_has_no_form_to_correct_it_in(house: House) -> None:
    await sends(house, BAD)
    await house.rows("UPDATE rejected_records SET code = 'sealed', sensitive = true RETURNING 1")
    [(work_id,)] = await house.rows("SELECT id FROM rejected_records")
    status, page = await post(house, f"/rejects/{work_id}", {"reason": "to see what it is"})
    assert status == 200
    assert "Send this record" not in page
    assert "Dismiss this record" in page
    status, page = await post(house, f"/rejects/{work_id}/mend", GOOD | {"reason": "to see what it is"})
    assert (status, "this record is sealed" in page.lower()) == (409, True)
    assert await held(house) == []
