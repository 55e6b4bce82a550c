"""What stands around the Sandbox on loopback: a web server for its pages, and the FHIR server of its EHR with invented patients.

The tests start both, each with an origin of its own; by hand it is `python -m tests.conformance.sandbox.ehr FOLDER`. NHS numbers
are of the synthetic range 999.
"""

import argparse
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"


def patient(key: str, given: str, family: str, born: str, number: str = "") -> dict[str, Any]:
    """A Patient as the EHR has it, with an NHS number or without."""
    identifiers = [{"system": "https://ehr.example/Id/local", "value": f"L-{key}"}]
    if number:
        identifiers.append({"system": NHS_NUMBER, "value": number})
    name = {"use": "official", "family": family, "given": [given]}
    return {"resourceType": "Patient", "id": key, "identifier": identifiers, "name": [name], "birthDate": born}


KNOWN = patient("amelia", "Amelia", "Harding", "2019-03-04", "9990000018")
ANOTHER_NAME = patient("mia", "Mia", "Rowan", "2011-11-11", "9990000018")
NOT_KNOWN = patient("noah", "Noah", "Oakley", "2016-08-21", "9990000034")
NO_NUMBER = patient("isla", "Isla", "Quick", "2020-02-29")
GIVEN_ONCE = patient("wren", "Wren", "Selby", "2017-05-01", "9990000018")
"""Read by the Sandbox to show who it is, and gone when the service wants to know."""

PATIENTS = {each["id"]: each for each in (KNOWN, ANOTHER_NAME, NO_NUMBER, NOT_KNOWN)}


def bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [{"resource": each} for each in resources],
    }


PAGES: dict[str, Any] = {
    "/metadata": {"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1", "format": ["json"]},
    "/Patient": bundle(list(PATIENTS.values())),
    "/Condition": bundle([]),
    **{f"/Patient/{key}": resource for key, resource in PATIENTS.items()},
}


class FhirServer(BaseHTTPRequestHandler):
    """Reads for pages of any origin, as the public test servers allow it that the Sandbox is made for."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        found = PAGES.get(path) or (self._first_time() if path == f"/Patient/{GIVEN_ONCE['id']}" else None)
        self._answer(404 if found is None else 200, {"resourceType": "OperationOutcome"} if found is None else found)

    def do_OPTIONS(self) -> None:
        self._answer(200, {})

    def _first_time(self) -> dict[str, Any] | None:
        asked_before, self.server.asked = getattr(self.server, "asked", False), True  # type: ignore[attr-defined]
        return None if asked_before else GIVEN_ONCE

    def _answer(self, status: int, resource: Any) -> None:
        body = json.dumps(resource).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the tests say what went wrong."""


class SandboxPages(SimpleHTTPRequestHandler):
    """The built Sandbox, as any web server has it."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def serving_patients(port: int = 0) -> Iterator[str]:
    """The address of the FHIR server, until the block ends."""
    with _serving(FhirServer, port) as url:
        yield url


@contextmanager
def serving_pages(folder: Path, port: int = 0) -> Iterator[str]:
    """The origin of the Sandbox, until the block ends."""
    with _serving(partial(SandboxPages, directory=str(folder)), port) as url:
        yield url


@contextmanager
def _serving(handler: Any, port: int) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def address(sandbox: str, fhir: str, nightlight: str, patient_id: str) -> str:
    """The Sandbox with a patient open and Nightlight asked: it takes all of it from its address."""
    given = {"fhirServiceUrl": fhir, "patientId": patient_id, "serviceDiscoveryURL": f"{nightlight}/cds-services"}
    return f"{sandbox}/?{urlencode(given)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve the built CDS Hooks Sandbox and the invented patients of its EHR.")
    parser.add_argument("folder", type=Path, help="the built Sandbox")
    parser.add_argument("--nightlight", default="http://127.0.0.1:8000", metavar="URL", help="the address of Nightlight")
    arguments = parser.parse_args()
    with serving_pages(arguments.folder, 8080) as sandbox, serving_patients(8081) as fhir, suppress(KeyboardInterrupt):
        for key in PATIENTS:
            print(address(sandbox, fhir, arguments.nightlight, key))
        threading.Event().wait()
