"""The quarantine's page: who may see what, what a decision does, and how readiness tells of what waits."""

from typing import Any

from tests.api.house import House


async def put(house: House, age: str = "1 s", facility: str = "R0A01", raw: bytes = b"MSH|^~\\&|", peer: str = "127.0.0.1") -> Any:
    """A message that could not be taken so long ago."""
    [(message_id,)] = await house.rows(
        """
        INSERT INTO quarantine
            (received_at, peer, sending_facility, control_id, reason, error_code, raw, content_hash, acknowledgement)
        VALUES (now() - %s::interval, %s, %s, 'C1', 'the message has no PID segment', '100', %s, gen_random_uuid()::text::bytea, '')
        RETURNING id
        """,
        age, peer, facility, raw,
    )  # fmt: skip
    return message_id


async def ready(house: House) -> dict[str, Any]:
    async with house.browser() as browser:
        found: dict[str, Any] = (await browser.get("/ready")).json()
    return found


async def test_a_message_that_is_held_too_long_is_named_by_readiness(house: House) -> None:
    for process in ("listener", "dispatcher"):
        await house.rows("INSERT INTO heartbeats VALUES (%s, 'one', now()) RETURNING 1", process)
    assert (await ready(house))["oldest_quarantined_message_seconds"] is None
    message_id = await put(house, "50 minutes")
    assert (await ready(house))["reasons"] == []
    await put(house, "2 minutes")
    await house.rows("UPDATE quarantine SET received_at = now() - interval '4000 s' WHERE id = %s RETURNING 1", message_id)
    body = await ready(house)
    assert (body["status"], body["reasons"]) == ("degraded", ["a message has been in quarantine for 4000 s"])
    assert 4000 <= body["oldest_quarantined_message_seconds"] < 4060
    await house.rows("UPDATE quarantine SET state = 'discarded', decided_at = now() WHERE id = %s RETURNING 1", message_id)
    assert (await ready(house))["reasons"] == []


async def test_the_age_of_the_oldest_is_a_metric_and_0_where_none_is_held(house: House) -> None:
    async def measured() -> float:
        async with house.browser() as browser:
            text = (await browser.get("/metrics")).text
        [line] = [line for line in text.splitlines() if line.startswith("nightlight_oldest_quarantined_message_seconds{")]
        return float(line.split()[-1])

    assert await measured() == 0.0
    await put(house, "4000 s")
    assert 4000 <= await measured() < 4060
