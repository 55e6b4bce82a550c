"""The parts of the house that this door needs; `nightlight` makes them once."""

from dataclasses import dataclass

from fhir_adapter.cds_hooks.cards import Link
from runtime.database import Database
from runtime.endpoints import Endpoints
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader

PATH = "/cds-services"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step may take, in seconds: an EHR that has to wait for more than half a second may give up on us.

    `desk` counts from the request's first line on, the time aside in which its body came; so does `everything`.
    """

    fetch: float = 0.25
    desk: float = 0.38
    remember: float = 0.07
    everything: float = 0.46


@dataclass(frozen=True, slots=True)
class CdsParts:
    """`link` makes a path the absolute address by which EHRs and people reach it."""

    desk: Desk
    directory: DirectoryReader
    database: Database
    endpoints: Endpoints
    link: Link
    patience: Patience = Patience()

    def address(self, path: str) -> str:
        """The address of a path within this door: what a token's audience must be."""
        return self.link(PATH + path)
