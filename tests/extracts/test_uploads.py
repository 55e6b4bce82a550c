"""Uploads: kept before anybody is told so, loaded once in their order, and gone with their bytes; a killed loader loses none."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from domain.actor import Actor, ActorKind
from domain.errors import NotFound
from domain.extract import CameBy, Declaration, Scope
from domain.flag import FlagKind
from flags_store.extracts.upload_queue import LEASE, Claimed, claim_upload, end_loaded, note_progress
from flags_store.extracts.uploads import Upload, UploadState, read_upload
from safeguarding.extracts.loading import StoreBusy
from safeguarding.extracts.upload_loading import LONGEST_PAUSE, load_next, pause_after
from safeguarding.extracts.uploads import PART_BYTES, UploadTooLarge, keep_upload
from safeguarding.retention import UPLOAD_LIFE
from tests.extracts.files import a_file, row
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, Store

SYSTEM = Actor(ActorKind.SYSTEM, "amber-case", "amber-case", "301")
GOOD = a_file(row())


async def chunks(content: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def keep(store: Store, content: bytes = GOOD, authority: str = "301", **changes: Any) -> Upload:
    declaration = changes.pop("declaration", Declaration(changes.pop("at", MONDAY)))
    options: dict[str, Any] = {"largest": 10_000_000, "size": 7} | changes
    pieces = chunks(content, options.pop("size"))
    return await keep_upload(store.database, OFFICER, authority, pieces, declaration, CameBy.API, **options)


async def reread(store: Store, upload: Upload) -> Upload:
    async with store.database.transaction() as transaction:
        return await read_upload(transaction, upload.authority_code, upload.id)


async def claim(store: Store) -> Claimed | None:
    async with store.database.transaction() as transaction:
        return await claim_upload(transaction)


async def parts(store: Store) -> int:
    return int(await store.value("SELECT count(*) FROM upload_parts"))


# What is not kept


async def test_more_than_is_taken_is_refused_and_nothing_of_it_is_kept(store: Store) -> None:
    with pytest.raises(UploadTooLarge):
        await keep(store, b"x" * 101, largest=100)
    assert await store.rows("SELECT FROM uploads") == []
    assert await parts(store) == 0


async def test_nobody_knows_an_authority_that_is_not_there(store: Store) -> None:
    with pytest.raises(NotFound):
        await keep(store, authority="999")
    assert await store.rows("SELECT FROM uploads") == []


async def test_a_sender_who_stops_half_way_has_sent_nothing(store: Store) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield GOOD
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await keep_upload(store.database, OFFICER, "301", broken(), Declaration(MONDAY), CameBy.API, largest=10_000)
    assert await store.rows("SELECT FROM uploads") == []


async def test_another_authoritys_upload_is_not_found(store: Store) -> None:
    upload = await keep(store)
    async with store.database.transaction() as transaction:
        with pytest.raises(NotFound):
            await read_upload(transaction, "302", upload.id)


# What is kept


async def test_every_byte_is_kept_in_order_with_all_that_was_declared(store: Store) -> None:
    content = bytes(range(256)) * (3 * PART_BYTES // 256 + 1)
    declaration = Declaration(MONDAY, Scope.FULL, True, {FlagKind.CPP: 12})
    upload = await keep(store, content, size=300_000, declaration=declaration)
    kept = b"".join(part for (part,) in await store.rows("SELECT content FROM upload_parts ORDER BY number"))
    assert kept == content
    assert (upload.content_hash, upload.size) == (hashlib.sha256(content).digest(), len(content))
    assert (upload.declaration, upload.actor, upload.came_by) == (declaration, OFFICER, CameBy.API)
    assert (upload.state, upload.known) == (UploadState.WAITING, False)
    assert await store.rows("SELECT actor_id, detail ->> 'authority' FROM audit_events WHERE action = 'upload.keep'") == [
        ("dee", "301")
    ]


async def test_the_same_content_of_the_same_time_is_the_earlier_upload(store: Store) -> None:
    first, again = await keep(store), await keep(store, size=1000)
    assert (again.id, again.known) == (first.id, True)
    assert len(await store.rows("SELECT FROM uploads")) == 1


@pytest.mark.parametrize(
    "declaration",
    [Declaration(TUESDAY), Declaration(None), Declaration(MONDAY, Scope.FULL), Declaration(MONDAY, sensitive=True)],
    ids=["later", "time in the file", "full", "sensitive"],
)
async def test_the_same_content_that_is_declared_otherwise_is_an_upload_of_its_own(store: Store, declaration: Declaration) -> None:
    first = await keep(store)
    assert (await keep(store, declaration=declaration)).id != first.id


async def test_the_same_content_of_another_authority_is_an_upload_of_its_own(store: Store) -> None:
    assert (await keep(store)).id != (await keep(store, authority="302")).id


async def test_the_same_mesh_message_is_the_earlier_upload_whatever_was_said(store: Store) -> None:
    first = await keep(store, mesh_message_id="M1", declaration=Declaration())
    again = await keep(store, GOOD + b"\n", mesh_message_id="M1")
    assert (again.id, again.known) == (first.id, True)


async def test_two_who_send_the_same_at_once_are_told_of_one_upload(store: Store) -> None:
    both = await asyncio.gather(*(keep(store, GOOD * 1000, size=4000) for _ in range(4)))
    assert len({upload.id for upload in both}) == 1
    assert sorted(upload.known for upload in both) == [False, True, True, True]


# What is loaded


async def test_nothing_waits_in_an_empty_store(store: Store) -> None:
    assert not await load_next(store.database)


async def test_an_upload_is_loaded_and_its_bytes_are_gone(store: Store) -> None:
    upload = await keep(store, a_file(row(), row(nhs_number="9990000019")))
    assert await load_next(store.database)
    ended = await reread(store, upload)
    assert (ended.state, ended.has_ended) == (UploadState.LOADED, True)
    loaded_as = await store.rows("SELECT came_by, rejected, sent_by FROM extracts WHERE id = %s", ended.extract_id)
    assert loaded_as == [("api", 1, "Dee Data")]
    assert len(await store.flags()) == 1
    assert await parts(store) == 0
    assert not await load_next(store.database)


@pytest.mark.parametrize(
    "content, at, code",
    [
        (b"", MONDAY, "empty-file"),
        (b"name\nx\n", MONDAY, "wrong-header"),
        (a_file(row(local_id="B1")), MONDAY - timedelta(days=1), "older-extract"),
        (GOOD, None, "invalid-input"),
    ],
)
async def test_what_cannot_be_loaded_is_refused_in_words_and_its_bytes_are_gone(
    store: Store, content: bytes, at: Any, code: str
) -> None:
    if code == "older-extract":
        await store.load(GOOD)
    upload = await keep(store, content, at=at)
    assert await load_next(store.database)
    ended = await reread(store, upload)
    assert (ended.state, ended.refusal_code, ended.extract_id) == (UploadState.REFUSED, code, None)
    assert ended.refusal[0].isupper()
    assert await parts(store) == 0
    assert await store.rows("SELECT detail ->> 'code' FROM audit_events WHERE action = 'upload.refuse'") == [(code,)]


async def test_what_was_refused_may_be_sent_again(store: Store) -> None:
    first = await keep(store, b"")
    await load_next(store.database)
    assert (await keep(store, b"")).id != first.id


async def test_of_one_authority_the_first_to_come_is_the_first_to_be_loaded(store: Store) -> None:
    wrong = await keep(store, a_file(row(end_date="2025-02-01")), at=MONDAY)
    right = await keep(store, a_file(row()), at=TUESDAY)
    while await load_next(store.database):
        pass
    assert [(await reread(store, each)).state for each in (wrong, right)] == [UploadState.LOADED] * 2
    assert await store.flags("end_date") == [(None,)]


async def test_one_authority_has_one_upload_at_a_time_and_another_does_not_wait(store: Store) -> None:
    first = await keep(store)
    await keep(store, at=TUESDAY)
    other = await keep(store, authority="302")
    claims = [await claim(store), await claim(store), await claim(store)]
    assert [each and each.upload.id for each in claims] == [first.id, other.id, None]


async def test_many_loaders_at_once_load_each_upload_once(store: Store) -> None:
    for authority in ("301", "302"):
        for days in range(3):
            await keep(store, a_file(row(local_id=f"{authority}-{days}")), authority, at=MONDAY + timedelta(days=days))
    while any(await asyncio.gather(*(load_next(store.database) for _ in range(4)))):
        pass
    assert await store.rows("SELECT DISTINCT state, attempts FROM uploads") == [("loaded", 1)]
    assert await store.flags("authority_code", "local_id") == [("301", "301-2"), ("302", "302-2")]


# What goes wrong on our side


async def test_a_loader_that_was_killed_leaves_the_upload_to_the_next_one(store: Store) -> None:
    upload = await keep(store)
    killed = await claim(store)
    assert not await load_next(store.database), "its lease has not run out"
    await store.rows("UPDATE uploads SET lease_until = now() - interval '1 second' RETURNING 1")
    assert await load_next(store.database)
    assert (await reread(store, upload)).state is UploadState.LOADED
    assert killed is not None
    async with store.database.transaction() as transaction:
        assert not await note_progress(transaction, killed, "applying", 1, 2), "it has lost its claim"


async def test_a_loader_that_was_killed_after_the_commit_reports_the_load_once(store: Store) -> None:
    upload = await keep(store)
    await claim(store)
    report = await store.load(GOOD)
    await store.rows("UPDATE uploads SET lease_until = now() - interval '1 second' RETURNING 1")
    assert await load_next(store.database)
    assert (await reread(store, upload)).extract_id == report.id
    assert len(await store.rows("SELECT FROM extracts")) == 1


async def test_who_was_overtaken_and_finds_the_bytes_gone_loads_nothing_of_the_rest(store: Store) -> None:
    upload = await keep(store, a_file(*(row(local_id=str(each)) for each in range(20_000))), size=100_000)
    await store.rows("DELETE FROM upload_parts WHERE number = 1 RETURNING 1")
    assert await load_next(store.database)
    assert (await reread(store, upload)).state is UploadState.WAITING
    assert await store.flags() == []


@pytest.mark.parametrize("trouble", [StoreBusy("busy"), RuntimeError("nobody foresaw this")], ids=["busy", "unforeseen"])
async def test_our_own_trouble_is_no_refusal_and_is_tried_again(store: Store, trouble: Exception) -> None:
    async def fail(*arguments: Any, **options: Any) -> Any:
        raise trouble

    upload = await keep(store)
    for _ in range(2):
        assert await load_next(store.database, load=fail)
        assert (await reread(store, upload)).state is UploadState.WAITING
        assert not await load_next(store.database), "it is not due yet"
        await store.rows("UPDATE uploads SET due_at = now() RETURNING 1")
    assert await load_next(store.database)
    assert (await reread(store, upload)).state is UploadState.LOADED


async def test_what_cannot_be_loaded_for_a_week_is_given_up_and_its_bytes_go(store: Store) -> None:
    async def fail(*arguments: Any, **options: Any) -> Any:
        raise StoreBusy("busy")

    upload = await keep(store)
    await store.rows("UPDATE uploads SET received_at = now() - %s::interval RETURNING 1", UPLOAD_LIFE + timedelta(minutes=1))
    assert await load_next(store.database, load=fail)
    ended = await reread(store, upload)
    assert (ended.state, ended.refusal_code) == (UploadState.REFUSED, "given-up")
    assert await parts(store) == 0


async def test_an_upload_that_fails_and_fails_does_not_hold_up_a_newer_one(store: Store) -> None:
    stuck = await keep(store)
    newer = await keep(store, a_file(row(local_id="B1")), at=TUESDAY)
    await store.rows("UPDATE uploads SET attempts = 9, due_at = now() + interval '1 hour' WHERE id = %s RETURNING 1", stuck.id)
    assert await load_next(store.database)
    assert (await reread(store, newer)).state is UploadState.LOADED


async def test_a_loader_that_is_told_to_stop_leaves_its_upload_at_once(store: Store) -> None:
    began = asyncio.Event()

    async def hang(*arguments: Any, **options: Any) -> Any:
        began.set()
        await asyncio.Event().wait()

    await keep(store)
    task = asyncio.create_task(load_next(store.database, load=hang))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await load_next(store.database)
    assert await store.rows("SELECT state FROM uploads") == [("loaded",)]


async def test_how_far_it_is_can_be_read_and_keeps_the_lease(store: Store) -> None:
    upload = await keep(store)
    claimed = await claim(store)
    assert claimed is not None
    await store.rows("UPDATE uploads SET lease_until = now() RETURNING 1")
    async with store.database.transaction() as transaction:
        assert await note_progress(transaction, claimed, "applying", 30, 120)
    after = await reread(store, upload)
    assert (after.step, after.done, after.total) == ("applying", 30, 120)
    assert await store.value("SELECT lease_until - now() > %s / 2 FROM uploads", LEASE)


async def test_a_claim_that_was_lost_ends_nothing(store: Store) -> None:
    upload = await keep(store)
    claimed = await claim(store)
    assert claimed is not None
    await store.rows("UPDATE uploads SET claimed_by = uuidv7() RETURNING 1")
    async with store.database.transaction() as transaction:
        await end_loaded(transaction, claimed, (await store.load(GOOD)).id)
    assert (await reread(store, upload)).state is UploadState.LOADING
    assert await parts(store) == 1


@pytest.mark.parametrize("attempts, seconds", [(0, 1), (1, 1), (2, 2), (5, 16), (50, LONGEST_PAUSE.total_seconds())])
def test_each_pause_is_twice_as_long_and_five_minutes_at_most(attempts: int, seconds: float) -> None:
    assert pause_after(attempts).total_seconds() == seconds
