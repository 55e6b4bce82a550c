"""A running Nightlight as an integrator has it: `nightlight serve`, furnished, with a client registered by the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.service import Service, serving

CHILD, NOBODY = "9990000018", "9990000034"
CLIENT = "ward-app"
SCOPES = ("system/Flag.rs", "system/CareTeam.rs", "system/AuditEvent.rs", "system/Encounter.cu", "system/Subscription.cruds")


@contextmanager
def open_hospital(folder: Path) -> Iterator[Service]:
    with serving(folder / "data", {"NIGHTLIGHT_PRIVATE_ENDPOINTS": "127.0.0.1"}) as service:
        service.furnish(folder)
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        service.run("client", "add", CLIENT, "--organisation", "R0A", *scopes, "--care", "both")
        yield service


def origin_of(service: Service) -> str:
    return f"http://127.0.0.1:{service.ports['http']}"


def base_of(service: Service) -> str:
    return f"{origin_of(service)}/FHIR/R4"


def token_of(service: Service) -> str:
    return service.run("token", CLIENT).strip()
