"""How much one channel may take in hand now: its free slots, and of each host no more than that host bears.

`alerts.channel_run` asks before it claims, and tells how each attempt ended. A webhook's host is its recipient; every other channel
has one host of its own: a mail server, MESH, GOV.UK Notify. Nothing here is shared with other dispatchers.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator

from alerts.breakers import CLOSED, Breaker, after, what_it_says
from domain.alert import ChannelName, Delivery
from domain.channel import Attempted

ONE_HOST = ""
"""The key of a channel that has one host."""
HOST_EACH = frozenset({ChannelName.WEBHOOK})
WITHOUT_BREAKER = frozenset({ChannelName.SCREEN, ChannelName.HL7, ChannelName.SUBSCRIPTION})
"""A nudge costs nothing, and to a hospital or a subscription goes one delivery at a time, which waits by itself."""


class Backpressure:
    """The slots and breakers of one channel in one dispatcher."""

    def __init__(self, channel: ChannelName, slots: int, per_host: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._channel = channel
        self._slots = slots
        self._per_host = per_host if channel in HOST_EACH else slots
        self._clock = clock
        self._in_hand: Counter[str] = Counter()
        self._breakers: dict[str, Breaker] = {}

    @property
    def in_hand(self) -> int:
        """Attempts that are under way."""
        return self._in_hand.total()

    @property
    def room(self) -> int:
        """How many deliveries may be taken now."""
        free = self._slots - self.in_hand
        return free if self._channel in HOST_EACH else min(free, self.room_of(ONE_HOST))

    @property
    def each_host(self) -> int:
        """How many of one host may be under way, where nothing else is known of it."""
        return self._per_host

    def known_rooms(self) -> dict[str, int]:
        """How many more may be taken of each host of which something is known."""
        return {host: self.room_of(host) for host in self._in_hand.keys() | self._breakers.keys()}

    def room_of(self, host: str) -> int:
        """How many more may be taken of this host."""
        return self._breakers.get(host, CLOSED).room(self._clock(), self._in_hand[host], self._per_host)

    def take(self, delivery: Delivery) -> None:
        """An attempt begins."""
        self._in_hand[self._host(delivery)] += 1

    def put_down(self, delivery: Delivery) -> None:
        """An attempt is over, however it ended."""
        host = self._host(delivery)
        self._in_hand[host] -= 1
        if not self._in_hand[host]:
            del self._in_hand[host]

    def heard(self, delivery: Delivery, attempted: Attempted) -> None:
        """An attempt has ended like this."""
        if self._channel in WITHOUT_BREAKER:
            return
        host = self._host(delivery)
        breaker = after(self._breakers.get(host, CLOSED), what_it_says(attempted), self._clock())
        if breaker == CLOSED:
            self._breakers.pop(host, None)
        else:
            self._breakers[host] = breaker

    def open_hosts(self) -> Iterator[tuple[str, float, float]]:
        """Every host whose deliveries wait: since how many seconds, and in how many one is tried."""
        at = self._clock()
        for host, breaker in self._breakers.items():
            if breaker.opened_at is not None:
                yield host, at - breaker.opened_at, max(0.0, breaker.tries_at - at)

    def _host(self, delivery: Delivery) -> str:
        return delivery.recipient if self._channel in HOST_EACH else ONE_HOST
