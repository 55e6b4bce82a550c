"""A real OpenID Connect provider on loopback, in a process of its own, for the sign-in tests."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PEOPLE = [
    {"sub": "carla", "name": "Carla Clinician", "nightlight_role": "clinician", "nightlight_organisation": "R0A"},
    {"sub": "sunil", "name": "Sunil Safeguarding", "nightlight_role": "site-safeguarding", "nightlight_organisation": "R0A"},
    {"sub": "wanda", "name": "Wanda Worker", "nightlight_role": "social-worker", "nightlight_organisation": "706"},
    {"sub": "dora", "name": "Dora Data", "nightlight_role": "data-officer", "nightlight_organisation": "706"},
    {
        "sub": "iggy",
        "name": "Iggy Governance",
        "nightlight_role": "information-governance",
        "nightlight_organisation": "nightlight",
    },
    {"sub": "nobody", "name": "No Role"},
    {"sub": "boss", "name": "Unknown Role", "nightlight_role": "boss", "nightlight_organisation": "R0A"},
    {"sub": "stray", "name": "Unknown Organisation", "nightlight_role": "social-worker", "nightlight_organisation": "999"},
    {"sub": "mixed", "name": "Role of the other side", "nightlight_role": "clinician", "nightlight_organisation": "706"},
]
_RUNNING = re.compile(r"running on (http://\S+?:\d+)")


@contextmanager
def provider(people: list[dict[str, str]] = PEOPLE) -> Iterator[str]:
    """The issuer's address, for as long as the block runs."""
    claims = [part for person in people for part in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", "0", "--require-nonce", "true", *claims]
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(command, stderr=log, stdout=subprocess.DEVNULL) as process:
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _address(process: subprocess.Popen[bytes], log: TextIO) -> str:
    while process.poll() is None:
        log.seek(0)
        if found := _RUNNING.search(log.read()):
            return found.group(1)
        time.sleep(0.02)
    raise RuntimeError("the provider did not start")
