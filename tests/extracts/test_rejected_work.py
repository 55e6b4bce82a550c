"""A rejected record is one piece of work: whatever brings it again renews it, and only what mends it ends it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import Conflict
from domain.extract import Scope
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.loads import Load
from flags_store.extracts.record import ExtractRecord, RowError, to_row_error
from flags_store.extracts.rejected_decisions import keep_correction
from flags_store.extracts.rejected_keys import content_of, key_of_error, key_of_fields
from flags_store.extracts.rejects import record_accepted, record_doubt, record_rejects, record_unsent, settle_doubts
from runtime.ids import uuid7
from safeguarding.extracts.mend_words import ADVICE, what_would_mend
from safeguarding.housekeeping import keep_house
from tests.extracts.files import a_file, read, record, row
from tests.extracts.store import MONDAY, OFFICER, Store

BAD_NUMBER = "9990000019"


def error(**changes: str) -> RowError:
    """One bad record, of a mistyped number where nothing else is said."""
    line = int(changes.pop("line", "2"))
    [came] = read(a_file(row(**{"nhs_number": BAD_NUMBER, **changes})))
    assert isinstance(came, RowError), came
    return replace(came, line=line)


async def an_extract(store: Store, *, scope: Scope = Scope.PARTIAL, cause: str = "extract", sensitive: bool = False) -> Load:
    """The row of an extract that is being loaded; what is in it, the test says."""
    extract = uuid7()
    await store.rows(
        """
        INSERT INTO extracts (id, authority_code, content_hash, state, extracted_at, completed_at, sent_by, scope, cause)
        VALUES (%s, '301', sha256(%s::text::bytea), 'loaded', %s, now(), 'test', %s, %s) RETURNING id
        """,
        extract, str(extract), MONDAY, scope.value, cause,
    )  # fmt: skip
    known: dict[str, Any] = {
        "extract_id": extract, "token": uuid7(), "actor": OFFICER, "authority_code": "301", "extracted_at": MONDAY,
        "sensitive": sensitive, "persons_done": 0,
    }  # fmt: skip
    return Load(**{name: value for name, value in known.items() if name in Load.__dataclass_fields__})


async def brings(
    store: Store, *errors: RowError, accepted: Sequence[ExtractRecord] = (), scope: Scope = Scope.PARTIAL, cause: str = "extract"
) -> Load:
    """An extract comes with these."""
    load = await an_extract(store, scope=scope, cause=cause)
    async with store.database.transaction() as transaction:
        await record_rejects(transaction, load, errors)
        await record_accepted(transaction, load, accepted)
        await record_unsent(transaction, load)
    return load


async def work(store: Store, *columns: str) -> list[Any]:
    return await store.rows(
        f"SELECT {', '.join(columns or ('state', 'times_seen'))} FROM rejected_records ORDER BY first_rejected_at, line"
    )


async def person_mends(store: Store, **changes: str) -> None:
    """A person has corrected the only record, and it is about to be loaded."""
    fields = record(**changes).fields
    await store.rows(
        """
        UPDATE rejected_records SET corrected_key = %s, corrected_at = now(), corrected_by = 'Dee', corrected = '["x"]' RETURNING 1
        """,
        key_of_fields("301", fields),
    )


# What makes a record the same


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"nhs_number": "9990000018"}, id="a number that is mended at the source"),
        pytest.param({"start_date": "06/01/2025"}, id="a day written otherwise"),
        pytest.param({"kind": "cpp"}, id="a kind in small letters"),
        pytest.param({"family_name": "Sample"}, id="another name"),
        pytest.param({"birth_date": "2018-05-07"}, id="another birth date"),
        pytest.param({"end_date": "2025-05-07"}, id="an end"),
    ],
)
def test_a_record_stays_the_same_whatever_is_corrected_in_it(changes: dict[str, str]) -> None:
    corrected = read(a_file(row(**{"nhs_number": BAD_NUMBER, **changes})))[0].fields
    assert key_of_error("301", error()) == key_of_fields("301", corrected)


@pytest.mark.parametrize("changes", [{"local_id": "A2"}, {"kind": "LAC"}, {"start_date": "2025-01-07"}, {"local_id": ""}], ids=str)
def test_another_childs_record_and_another_plan_are_other_work(changes: dict[str, str]) -> None:
    assert key_of_error("301", error()) != key_of_error("301", error(**changes))
    assert key_of_error("301", error()) != key_of_error("302", error())


def test_without_a_local_id_the_number_says_whose_record_it_is_and_without_that_names_and_birth_date() -> None:
    def key(**changes: str) -> bytes:
        return key_of_error("301", error(local_id="", **changes))

    assert key(nhs_number="999 000-0019") == key(family_name="Other")
    assert key(nhs_number="") == key(nhs_number="", birth_date="06/05/2018")
    assert len({key(), key(nhs_number="9990000027"), key(nhs_number=""), key(nhs_number="", family_name="Other")}) == 4


def test_a_line_without_its_columns_is_known_by_all_that_it_says() -> None:
    [one] = read(a_file("9990000018,CPP"))
    [same] = read(a_file("", "9990000018,CPP"))
    [other] = read(a_file("9990000018,LAC"))
    assert isinstance(one, RowError)
    assert isinstance(same, RowError)
    assert isinstance(other, RowError)
    assert key_of_error("301", one) == key_of_error("301", same) != key_of_error("301", other)


def test_ids_that_are_new_with_every_run_of_an_export_make_no_new_work() -> None:
    def ssd(run: str) -> RowError:
        return RowError(3, "line", "x", "x", {"clae_cla_id": "7", "clae_cla_episode_id": run}, "ssd_cla_episodes line 3")

    assert key_of_error("301", ssd("1")) == key_of_error("301", ssd("2"))
    assert content_of(ssd("1")) == content_of(ssd("2"))


# What renews it


async def test_the_same_record_in_three_extracts_is_one_piece_of_work_whose_age_counts_from_the_first(store: Store) -> None:
    await brings(store, error())
    [(first,)] = await work(store, "first_rejected_at")
    await brings(store, error(line="9"))
    load = await brings(store, error(line="5", nhs_number="9990000017", family_name="Sample"))
    [item] = await work(store, "state", "times_seen", "first_rejected_at", "last_extract_id", "line", "fields->>7")
    assert item == ("open", 3, first, load.extract_id, 5, "Sample")
    assert len(await store.rows("SELECT FROM extract_rejects")) == 3


async def test_two_lines_of_one_extract_about_one_plan_are_one_piece_of_work_seen_once(store: Store) -> None:
    await brings(store, error(line="2"), error(line="3", family_name="Other"))
    assert await work(store, "times_seen", "line") == [(1, 2)]


async def test_a_sensitive_record_stays_sensitive(store: Store) -> None:
    for sensitive in (True, False):
        load = await an_extract(store, sensitive=sensitive)
        async with store.database.transaction() as transaction:
            await record_rejects(transaction, load, [error()])
    assert await work(store, "sensitive") == [(True,)]


async def test_a_field_with_a_nul_is_kept_as_work(store: Store) -> None:
    await brings(store, error(given_name="A\x00da"))
    assert await work(store, "code", "fields->>6") == [("bad-character", "A␀da")]


# What ends it


async def test_a_record_that_is_accepted_ends_its_work_and_no_others(store: Store) -> None:
    await brings(store, error(), error(line="3", local_id="A2"))
    await brings(store, accepted=[record(), record(local_id="A3")])
    assert await work(store, "state", "closed_by") == [("accepted", None), ("open", None)]


async def test_what_the_same_extract_refuses_and_accepts_stays_work(store: Store) -> None:
    await brings(store, error(), accepted=[record()])
    assert await work(store) == [("open", 1)]


async def test_work_that_was_mended_at_the_source_and_comes_back_is_new_work(store: Store) -> None:
    await brings(store, error())
    [(first,)] = await work(store, "first_rejected_at")
    await brings(store, accepted=[record()])
    await brings(store, error())
    [(state, times, since)] = await work(store, "state", "times_seen", "first_rejected_at")
    assert (state, times) == ("open", 1)
    assert since > first


async def test_a_partial_extract_that_does_not_name_a_record_ends_nothing(store: Store) -> None:
    await brings(store, error())
    await brings(store, error(local_id="A2"))
    assert await work(store) == [("open", 1), ("open", 1)]


async def test_a_full_extract_that_does_not_name_a_record_ends_its_work_and_it_keeps_its_age_should_it_come_back(
    store: Store,
) -> None:
    await brings(store, error())
    [(first,)] = await work(store, "first_rejected_at")
    await brings(store, error(local_id="A2"), scope=Scope.FULL)
    assert await work(store) == [("not-sent", 1), ("open", 1)]
    await brings(store, error())
    assert (await work(store, "state", "times_seen", "first_rejected_at"))[0] == ("open", 2, first)


# What a person mended or dismissed


async def test_a_correction_that_is_accepted_ends_the_work_although_its_number_is_another(store: Store) -> None:
    await brings(store, error(local_id=""))
    await person_mends(store, local_id="")
    await brings(store, accepted=[record(local_id="")], cause="mended")
    assert await work(store, "state", "closed_by") == [("mended", OFFICER.name)]


async def test_a_correction_that_is_refused_leaves_what_was_sent_and_says_what_is_wrong_now(store: Store) -> None:
    await brings(store, error(local_id=""))
    before = await work(store, "record", "fields", "code", "times_seen")
    await person_mends(store, local_id="", start_date="2025-01-07")
    tried = error(local_id="", nhs_number="9990000018", start_date="2025-01-07", end_date="2024-01-01")
    await brings(store, tried, cause="mended")
    assert await work(store, "record", "fields", "code", "times_seen") == before
    assert await work(store, "state", "tried_code", "tried_field") == [("open", "end-before-start", "end_date")]


@pytest.mark.parametrize("state", ["mended", "dismissed"])
async def test_the_same_wrong_record_sent_again_undoes_no_persons_work(store: Store, state: str) -> None:
    await brings(store, error())
    await store.rows(
        "UPDATE rejected_records SET state = %s, closed_at = now(), closed_by = 'Dee', close_reason = 'x' RETURNING 1", state
    )
    await brings(store, error(line="7"))
    assert await work(store, "state", "times_seen", "closed_by", "close_reason", "last_rejected_at > closed_at") == [
        (state, 2, "Dee", "x", True)
    ]


@pytest.mark.parametrize("state", ["mended", "dismissed"])
async def test_a_wrong_record_that_says_something_new_is_work_again(store: Store, state: str) -> None:
    await brings(store, error())
    await store.rows("UPDATE rejected_records SET state = %s, closed_at = now(), closed_by = 'Dee' RETURNING 1", state)
    await brings(store, error(end_date="2025-06-01"))
    assert await work(store, "state", "closed_at", "closed_by") == [("open", None, None)]


async def test_a_record_that_was_mended_here_and_now_comes_right_is_mended_at_the_source(store: Store) -> None:
    await brings(store, error())
    await store.rows("UPDATE rejected_records SET state = 'mended', closed_at = now(), closed_by = 'Dee' RETURNING 1")
    await brings(store, accepted=[record()])
    assert await work(store, "state", "closed_by") == [("accepted", None)]


# Plans that are held, and that PDS contradicts


async def test_a_plan_that_pds_contradicts_is_work_until_pds_agrees(store: Store) -> None:
    await store.load(a_file(row()))
    flag = await store.value("SELECT id FROM flags")
    for times in (1, 2):
        async with store.database.transaction() as transaction:
            await record_doubt(transaction, "301", flag, RecordCode.TWO_PEOPLE)
        assert await work(store, "state", "times_seen", "flag_id", "fields->>0", "fields->>7") == [
            ("open", times, flag, "9990000018", "Example")
        ]
    async with store.database.transaction() as transaction:
        assert await settle_doubts(transaction, [flag]) == 1
    assert await work(store, "state") == [("accepted",)]


async def test_neither_an_extract_that_repeats_a_doubtful_plan_nor_one_without_it_ends_the_doubt(store: Store) -> None:
    await store.load(a_file(row()))
    flag = await store.value("SELECT id FROM flags")
    async with store.database.transaction() as transaction:
        await record_doubt(transaction, "301", flag, RecordCode.TWO_PEOPLE)
    await brings(store, accepted=[record()])
    await brings(store, error(local_id="A9"), scope=Scope.FULL)
    assert (await work(store, "state"))[0] == ("open",)


async def test_a_plan_whose_refused_record_waits_already_is_not_work_twice(store: Store) -> None:
    await store.load(a_file(row()))
    flag = await store.value("SELECT id FROM flags")
    await brings(store, to_row_error(record(start_date="06/01/2025"), "nhs_number", RecordCode.NOT_IN_PDS))
    async with store.database.transaction() as transaction:
        await record_doubt(transaction, "301", flag, RecordCode.NOT_IN_PDS)
    assert await work(store, "state", "flag_id") == [("open", None)]


async def test_nobodys_plan_is_doubted_in_anothers_name(store: Store) -> None:
    await store.load(a_file(row()))
    flag = await store.value("SELECT id FROM flags")
    async with store.database.transaction() as transaction:
        await record_doubt(transaction, "302", flag, RecordCode.TWO_PEOPLE)
    assert await work(store) == []


# What is sealed


def sealed(**changes: str) -> RowError:
    return to_row_error(record(**changes), "nhs_number", RecordCode.SEALED)


async def test_the_record_of_an_adopted_child_is_sensitive_and_never_corrected(store: Store) -> None:
    await brings(store, sealed())
    [(work_id, sensitive)] = await work(store, "id", "sensitive")
    assert sensitive
    async with store.database.transaction() as transaction:
        with pytest.raises(Conflict, match="sealed"):
            await keep_correction(transaction, OFFICER, "301", work_id, record(nhs_number="999 000 0026").fields)
    assert await work(store, "corrected", "corrected_key") == [([], None)]


async def test_the_childs_new_number_leads_to_no_work_on_the_old_one(store: Store) -> None:
    """The same local id, the same plan: nothing says that they are one child."""
    await brings(store, sealed())
    await brings(store, accepted=[record(nhs_number="9990000026")])
    assert await work(store, "state") == [("open",)]
    assert key_of_error("301", sealed()) == key_of_error("301", sealed())


@pytest.mark.parametrize("code", RecordCode)
def test_every_reason_has_words_for_what_would_mend_it(code: RecordCode) -> None:
    assert what_would_mend(code.value) == ADVICE[code]
    assert ADVICE[code].endswith(".")


async def test_what_is_done_is_erased_after_a_year_and_what_waits_never(store: Store) -> None:
    await brings(store, error(), error(line="3", local_id="A2"), error(line="4", local_id="A3"))
    await store.rows("UPDATE rejected_records SET state = 'dismissed', closed_at = now() WHERE line > 2 RETURNING 1")
    await store.rows("UPDATE rejected_records SET first_rejected_at = now() - interval '9 years' RETURNING 1")
    for line in (2, 3):
        await store.rows(
            """
            UPDATE rejected_records SET last_rejected_at = now() - interval '366 days',
                                        closed_at = CASE state WHEN 'open' THEN NULL ELSE now() - interval '366 days' END
            WHERE line = %s RETURNING 1
            """,
            line,
        )
    await keep_house(store.database, 30)
    assert await work(store, "line", "state") == [(2, "open"), (4, "dismissed")]
