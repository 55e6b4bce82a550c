"""A channel: one way by which a delivery reaches its recipient, and how one attempt at it went.

`alerts.dispatcher` hands each channel the deliveries that are due and writes down what came of them.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from domain.alert import AttemptOutcome, ChannelName, Delivery

_CODE = re.compile(r"[a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True)
class Attempted:
    """How one attempt went. `detail` is a short code of ours, never words of a server: those may quote a patient.

    `again_in` are the seconds after which the other side wishes to be asked again, where it has named any.
    """

    outcome: AttemptOutcome
    detail: str = ""
    again_in: float | None = None

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.detail):
            raise ValueError("the detail of an attempt is a short code")

    @property
    def has_told(self) -> bool:
        """Whether the recipient was told, as far as the channel can know."""
        return self.outcome in {AttemptOutcome.SENT, AttemptOutcome.DELIVERED}


@dataclass(frozen=True, slots=True)
class HospitalPatient:
    """Whom a hospital is told about: its site (ODS code), and the numbers that it sent itself, empty where it sent none."""

    site: str
    nhs_number: str
    local_number: str
    visit_number: str


class Channel(Protocol):
    """One way of telling people."""

    name: ChannelName

    async def deliver(self, delivery: Delivery) -> Attempted:
        """Tell the recipient once, within a bounded time, in a way that lets a receiver make repeats one (`delivery.id`).

        A failure says whether it is temporary or permanent; whatever is raised counts as temporary, and is loud.
        """
        ...
