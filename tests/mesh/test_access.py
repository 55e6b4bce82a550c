"""MESH is opened as the settings say, and not at all where that would be unsafe."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from domain.errors import InvalidInput
from mesh_mailbox.access import MeshAccess, read_access
from mesh_mailbox.client import MeshAway, open_mailbox
from runtime.settings import Settings, load_settings
from tests.mesh.sandbox import OURS, PASSWORD, SHARED_KEY, Sandbox, until

GOOD: dict[str, Any] = {
    "mesh_url": "https://msg.example", "mesh_mailbox": OURS, "mesh_password": PASSWORD, "mesh_shared_key": SHARED_KEY,
    "mesh_certificate_file": "c.pem", "mesh_key_file": "k.pem",
}  # fmt: skip


def test_without_an_address_there_is_no_mailbox() -> None:
    assert read_access(Settings(), is_production=True) is None


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"mesh_mailbox": ""}, "NIGHTLIGHT_MESH_MAILBOX"), ({"mesh_password": ""}, "NIGHTLIGHT_MESH_PASSWORD"),
        ({"mesh_shared_key": ""}, "NIGHTLIGHT_MESH_SHARED_KEY"), ({"mesh_url": "http://msg.example"}, "https"),
        ({"mesh_url": "https://u:p@msg.example"}, "no plain address"), ({"mesh_url": "https://127.0.0.1:9"}, "stand-in"),
        ({"mesh_url": "http://localhost:9"}, "stand-in"), ({"mesh_key_file": ""}, "go together"),
        ({"mesh_certificate_file": "", "mesh_key_file": ""}, "certificate"),
    ],
)  # fmt: skip
def test_settings_that_are_unsafe_or_not_whole_are_refused_by_name(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidInput, match=word) as refused:
        read_access(Settings(**{**GOOD, **changes}), is_production=True)
    assert PASSWORD not in str(refused.value)
    assert SHARED_KEY not in str(refused.value)


def test_a_store_for_tests_may_use_a_stand_in_on_this_machine() -> None:
    settings = Settings(**{**GOOD, "mesh_url": "http://127.0.0.1:9/", "mesh_certificate_file": "", "mesh_key_file": ""})
    access = read_access(settings, is_production=False)
    assert access is not None
    assert (access.url, access.certificate_file) == ("http://127.0.0.1:9", "")


def test_secrets_come_from_files_and_are_in_no_repr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in (("MESH_PASSWORD", "pass word"), ("MESH_SHARED_KEY", "shared key")):
        (tmp_path / name).write_text(f"{secret}\n")
        monkeypatch.setenv(f"NIGHTLIGHT_{name}_FILE", str(tmp_path / name))
    given = {name: value for name, value in GOOD.items() if name not in {"mesh_password", "mesh_shared_key"}}
    access = read_access(load_settings(**given), is_production=True)
    assert access is not None
    assert (access.password, access.shared_key) == ("pass word", "shared key")
    assert "pass word" not in repr(access)
    assert "shared key" not in repr(access)


def test_several_workflows_of_extracts_can_be_named() -> None:
    access = read_access(Settings(**{**GOOD, "mesh_workflow_upload": "A_UPLOAD, B_UPLOAD,"}), is_production=True)
    assert access is not None
    assert access.workflows.upload == ("A_UPLOAD", "B_UPLOAD")


@pytest.fixture
def with_tls(sandbox: Sandbox, tmp_path: Path) -> Iterator[MeshAccess]:
    """A sandbox of its own that asks for a client's certificate, as MESH does."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name, identity in (("server", "localhost"), ("client", "nightlight.example")):
        issued = authority.issue_cert(identity)
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
    secure = replace(sandbox, folder=tmp_path / "mailboxes", process=None)
    secure.folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        arguments = (
            "--ssl-certfile", tmp_path / "server.pem", "--ssl-keyfile", tmp_path / "server.key",
            "--ssl-ca-certs", tmp_path / "ca.pem",
            "--ssl-cert-reqs", str(int(ssl.CERT_REQUIRED)),
        )  # fmt: skip
        process = secure.run(sock, *map(str, arguments))
    until(lambda: _listens(port))
    yield replace(
        sandbox.access(), url=f"https://localhost:{port}", ca_file=str(tmp_path / "ca.pem"),
        certificate_file=str(tmp_path / "client.pem"), key_file=str(tmp_path / "client.key"),
    )  # fmt: skip
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def test_the_mailbox_opens_by_mutual_tls_and_to_nobody_else(with_tls: MeshAccess) -> None:
    for refused in (
        replace(with_tls, certificate_file="", key_file=""), replace(with_tls, ca_file=""), replace(with_tls, shared_key="another"),
    ):  # fmt: skip
        with pytest.raises(MeshAway):
            async with open_mailbox(refused) as mailbox:
                await mailbox.list_messages(10)
    with pytest.raises(MeshAway):
        async with open_mailbox(replace(with_tls, key_file="/nowhere.key")):
            pass
    async with open_mailbox(with_tls) as mailbox:
        assert await mailbox.list_messages(10) == []


def test_the_process_of_the_sandbox_is_no_part_of_ours() -> None:
    with pytest.raises(ModuleNotFoundError):
        __import__("mesh_sandbox")
