"""`nightlight peer`: a file that is no certificate is refused, and every form of one gives the same fingerprint and end."""

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import trustme
from typer.testing import CliRunner

from domain.errors import InvalidInput
from nightlight.cli import app
from nightlight.cli.peers import ClientCertificate, read_certificate
from tests.conftest import FreshDatabase
from tests.hl7_listener.tls import fingerprint

ENDS = datetime(2091, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a certificate",
        b"-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB",
        trustme.CA().issue_cert("x").private_key_pem.bytes(),
    ],
    ids=["empty", "text", "broken", "cut off", "a key"],
)
def test_what_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="holds no certificate"):
        read_certificate(file)


def test_pem_der_and_a_chain_with_words_around_give_the_same_fingerprint_and_end(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("pas.amber.test", not_after=ENDS)
    pem = leaf.cert_chain_pems[0].bytes()
    forms = (pem, ssl.PEM_cert_to_DER_cert(pem.decode()), b"subject=CN\n" + pem + trustme.CA().cert_pem.bytes())
    for number, content in enumerate(forms):
        file = tmp_path / str(number)
        file.write_bytes(content)
        assert read_certificate(file) == ClientCertificate(fingerprint(leaf), ENDS)


@pytest.mark.parametrize("command", ["add", "set", "list", "remove"])
def test_each_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(app, ["peer", command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_until_when_a_certificate_holds_is_listed_and_not_guessed(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    file = tmp_path / "amber.pem"
    file.write_bytes(trustme.CA().issue_cert("pas.amber.test", not_after=ENDS).cert_chain_pems[0].bytes())

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
        assert done.exit_code == 0
        return done.output

    def listed() -> dict[str, str]:
        lines = [re.split(r"[\s|│┃]{2,}", line.strip(" |│┃")) for line in run("peer", "list").splitlines() if "-pas" in line]
        return {line[0]: line[3] for line in lines}

    run("site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department")
    assert "It expires on 06 May 2091." in run("peer", "add", "amber-pas", "--sites", "R0C01", "--certificate", str(file))
    with psycopg.connect(fresh_database.service_url) as connection:
        connection.execute("UPDATE peers SET certificate_expires_at = NULL")
    assert listed() == {"amber-pas": "not known"}
    assert "and by no other" in run("peer", "set", "amber-pas", "--certificate", str(file))
    assert listed() == {"amber-pas": "06 May 2091"}
