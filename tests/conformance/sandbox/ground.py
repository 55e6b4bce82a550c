"""What the tests and the picture stand on: Nightlight as it runs, the Sandbox's pages, and its EHR's patients, on loopback.

`conftest` and `pictures` open it. Everything is furnished by the commands that docs/integration/cds-hooks-sandbox.md tells.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.service import Service, serving
from tests.api.provider import provider
from tests.conformance.sandbox.ehr import serving_pages, serving_patients
from tests.conformance.sandbox.hearing import ISSUER, JKU

KEYS = Path(".well-known") / "jwks.json"


@dataclass(frozen=True, slots=True)
class Ground:
    """Three origins, and the service behind one of them."""

    sandbox: str
    fhir: str
    service: Service

    @property
    def nightlight(self) -> str:
        return f"http://127.0.0.1:{self.service.ports['http']}"

    @property
    def addresses(self) -> dict[str, str]:
        """By the names that stand for them in the recording."""
        return {"$NIGHTLIGHT": self.nightlight, "$SANDBOX": self.sandbox, "$FHIR": self.fhir}


@contextmanager
def open_ground(pages: Path, folder: Path) -> Iterator[Ground]:
    """`pages` are those of the built Sandbox; `folder` is empty."""
    with ExitStack() as held:
        issuer = held.enter_context(provider())
        service = held.enter_context(
            serving(folder / "data", {"NIGHTLIGHT_OIDC_ISSUER": issuer, "NIGHTLIGHT_OIDC_CLIENT_SECRET": "any"})
        )
        service.furnish(folder)
        sandbox = held.enter_context(serving_pages(pages))
        keys = ("--key", str(pages / KEYS), "--jwks-url", JKU)
        service.run("cds-client", "add", ISSUER, "--organisation", "R0A", *keys, "--origin", sandbox)
        yield Ground(sandbox, held.enter_context(serving_patients()), service)
