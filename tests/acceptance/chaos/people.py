"""A hospital that registers a child again and again until it is taken, and a social worker who answers every alert once.

Each works in a thread of its own, as long as the trouble lasts; what it could not do, it does again.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psycopg

from tests.acceptance.service import Service, code_of, register
from tests.acceptance.test_the_whole_walk import hidden, sign_in, web

ANSWER = {"answer": "will-ring", "text": "Ringing at ten"}


@dataclass
class Working:
    """Somebody at work. What they could not bear is kept for the end."""

    name: str
    work: Callable[[], bool]
    pause: float
    error: BaseException | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Work until `finish`."""
        self._thread = threading.Thread(target=self._go_on, name=self.name, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Let them end what they have in hand. Raises what they could not bear."""
        self._stop.set()
        assert self._thread is not None
        self._thread.join(120)
        assert not self._thread.is_alive(), f"{self.name} never came back"
        if self.error is not None:
            raise self.error

    def _go_on(self) -> None:
        try:
            while not self._stop.is_set():
                self.work()
                self._stop.wait(self.pause)
        except BaseException as error:  # raised in the test's own thread
            self.error = error


@dataclass
class Hospital:
    """Sends one registration after the other, and goes on to the next when one was accepted."""

    service: Service
    taken: int = 0

    def send_next(self) -> bool:
        """Send one, as often as it needs."""
        message = register(self.taken + 1)
        deadline = time.monotonic() + 90
        while True:
            with suppress(OSError), self.service.connect() as engine:
                if code_of(engine.send(message)) == "AA":
                    self.taken += 1
                    return True
            assert time.monotonic() < deadline, "the message was never taken"
            time.sleep(0.1)


class SocialWorker:
    """Answers what nobody has answered. After an error they look again before they answer again, as a person does."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._client = httpx.Client(base_url=web(service), follow_redirects=True, timeout=30, headers={"Origin": web(service)})
        sign_in(service, self._client, "social-worker-301")

    def answer_all(self) -> bool:
        """Answer every open alert. Returns whether none is left."""
        try:
            waiting = self._service.rows("SELECT id FROM alerts WHERE state = 'raised' ORDER BY id")
        except psycopg.Error:
            return False
        for (alert,) in waiting:
            with suppress(httpx.TransportError):
                page = self._client.get(f"/alerts/{alert}")
                if page.status_code != 200 or self._is_answered(alert):
                    continue
                self._client.post(f"/alerts/{alert}", data={**hidden(page.text), **ANSWER})
        return not waiting

    def _is_answered(self, alert: object) -> bool:
        with suppress(psycopg.Error):
            return bool(self._service.value(f"SELECT state <> 'raised' FROM alerts WHERE id = '{alert}'"))
        return True  # nobody knows: look again later

    def close(self) -> None:
        self._client.close()
