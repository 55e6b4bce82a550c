"""Signatures: the specification's own example, what is signed, and which secrets are good when."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from alerts.channels.webhook_signing import OVERLAP, good_secrets, secret_of, signature, signed_headers, written

KEY = b"k" * 40
WEBHOOK = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EXAMPLE_SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_the_signature_is_that_of_the_specification() -> None:
    """Standard Webhooks, "Verifying webhooks": the example that its libraries test themselves with."""
    body = b'{"test": 2432232314}'
    said = signature(EXAMPLE_SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "message_id, timestamp, body",
    [("b", 1, b"{}"), ("a", 2, b"{}"), ("a", 1, b"{} ")],
    ids=["another id", "another time", "another body"],
)
def test_whatever_is_changed_changes_the_signature(message_id: str, timestamp: int, body: bytes) -> None:
    assert signature(b"s", message_id, timestamp, body) != signature(b"s", "a", 1, b"{}")


def test_no_two_webhooks_and_no_two_renewals_have_the_same_secret() -> None:
    other = UUID(int=WEBHOOK.int + 1)
    secrets = {secret_of(KEY, each, renewals) for each in (WEBHOOK, other) for renewals in range(3)}
    assert len(secrets) == 6
    assert secret_of(KEY, WEBHOOK, 0) != secret_of(b"x" * 40, WEBHOOK, 0)


def test_a_secret_is_written_as_libraries_take_it() -> None:
    said = written(secret_of(KEY, WEBHOOK, 0))
    assert said.startswith("whsec_")
    assert base64.b64decode(said.removeprefix("whsec_")) == secret_of(KEY, WEBHOOK, 0)
    assert len(secret_of(KEY, WEBHOOK, 0)) == 32


@pytest.mark.parametrize(
    "renewals, renewed_at, at, good",
    [
        (0, None, AT, [0]),
        (1, AT, AT, [1, 0]),
        (1, AT, AT + OVERLAP - timedelta(seconds=1), [1, 0]),
        (1, AT, AT + OVERLAP, [1]),
        (4, AT, AT + timedelta(hours=1), [4, 3]),
    ],
    ids=["never renewed", "just renewed", "within a day", "after a day", "often renewed"],
)
def test_the_secret_before_is_good_for_a_day(renewals: int, renewed_at: datetime | None, at: datetime, good: list[int]) -> None:
    assert good_secrets(KEY, WEBHOOK, renewals, renewed_at, at) == [secret_of(KEY, WEBHOOK, each) for each in good]


def test_a_notice_has_a_signature_of_each_secret_and_the_time_of_its_attempt() -> None:
    headers = signed_headers([b"new", b"old"], "id-1", AT, b"{}")
    seconds = int(AT.timestamp())
    assert headers == {
        "webhook-id": "id-1",
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"{signature(b'new', 'id-1', seconds, b'{}')} {signature(b'old', 'id-1', seconds, b'{}')}",
    }
