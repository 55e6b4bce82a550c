"""The stand-in as the demo runs it: its settings lead to it, and its key is nobody else's."""

import socket
import time
from pathlib import Path

import pytest

from fhir_adapter.pds.access import read_access
from fhir_adapter.pds.tokens import assertion_form
from nightlight.demo.pds_child import pds_environment, stand_in_of
from runtime.settings import load_settings


def test_the_demos_settings_lead_to_the_stand_in_and_its_key_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data" / "pds"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        environment = pds_environment(folder, sock)
        first = (folder / "key.pem").read_bytes()
        assert pds_environment(folder, sock) == environment
    assert (folder / "key.pem").read_bytes() == first
    assert dict(line.split("=", 1) for line in (folder / "pds.env").read_text().splitlines()) == environment
    modes = [path.stat().st_mode & 0o777 for path in (folder.parent, folder, folder / "key.pem")]
    assert modes == [0o700, 0o700, 0o600]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    access = read_access(settings, is_production=False)
    assert access is not None
    status, body = stand_in_of(settings).tokens.exchange(assertion_form(access, time.time()))
    assert (status, body["token_type"]) == (200, "Bearer")
