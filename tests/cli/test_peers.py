"""`nightlight peer`: a file that is no certificate is refused, and every form of one gives the same fingerprint."""

import ssl
from pathlib import Path

import pytest
import trustme
from typer.testing import CliRunner

from domain.errors import InvalidInput
from nightlight.cli import app
from nightlight.cli.peers import read_fingerprint
from tests.hl7_listener.tls import fingerprint


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
        read_fingerprint(file)


def test_pem_der_and_a_chain_with_words_around_give_the_same_fingerprint(tmp_path: Path) -> None:
    leaf = trustme.CA().issue_cert("pas.amber.test")
    pem = leaf.cert_chain_pems[0].bytes()
    forms = (pem, ssl.PEM_cert_to_DER_cert(pem.decode()), b"subject=CN\n" + pem + trustme.CA().cert_pem.bytes())
    for number, content in enumerate(forms):
        file = tmp_path / str(number)
        file.write_bytes(content)
        assert read_fingerprint(file) == fingerprint(leaf)


@pytest.mark.parametrize("command", ["add", "list", "remove"])
def test_each_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(app, ["peer", command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output
