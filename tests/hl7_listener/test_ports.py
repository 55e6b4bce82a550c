"""Which listeners there are: what settings and files are refused, and what each listener is given."""

import re
from pathlib import Path
from typing import Any

import pytest

from domain.errors import InvalidInput
from hl7_listener.ports import Port, plain_one, read_ports
from hl7_listener.server import Limits
from hl7_listener.tls import TlsFiles
from runtime.settings import Settings
from tests.embedded.processes import ROOT

PLAIN = '[[listener]]\nname = "pas"\naddress = "127.0.0.1:2575"\n'


def settings(tmp_path: Path, content: str = "", **given: Any) -> Settings:
    file = tmp_path / "listeners.toml"
    file.write_text(content)
    return Settings(**{**({"mllp_listeners": str(file)} if content else {}), **given})


@pytest.mark.parametrize(
    "content,said",
    [
        ("listener = 3", "at least one"),
        ("listener = []", "at least one"),
        ("address = '127.0.0.1:2575'", "at least one"),
        (PLAIN + "[other]", "nothing else"),
        ("[[listener", "cannot be read"),
        ("[[listener]]\nname = 'pas'", "address: Field required"),
        ("[[listener]]\naddress = '127.0.0.1:1'", "name: Field required"),
        ("[[listener]]\nname = 'Amber PAS'\naddress = '127.0.0.1:1'", "name: String should match"),
        (PLAIN + "max_conections = 3", "max_conections: Extra inputs"),
        (PLAIN + "max_connections = 0", "max_connections: Input should be greater"),
        (PLAIN + "idle_seconds = -1", "idle_seconds: Input should be greater"),
        (PLAIN + "certificate_file = 'a.pem'", "belong together"),
        (PLAIN + "key_file = 'a.pem'", "belong together"),
        (PLAIN + "client_ca_file = 'a.pem'", "needs a certificate"),
        (PLAIN + "certificate_file = 'c'\nkey_file = 'k'\nclient_certificates = 'optional'", "need a client CA file"),
        (PLAIN + "client_certificates = 'never'", "client_certificates: Input should be 'required' or 'optional'"),
        (PLAIN + "minimum_tls = '1.3'", "needs a certificate"),
        (PLAIN + "minimum_tls = '1.1'", "minimum_tls: Input should be '1.2' or '1.3'"),
        (PLAIN + PLAIN.replace("2575", "2577"), "the same name"),
        (PLAIN + PLAIN.replace("pas", "epr"), "the same address"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_words(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_ports(settings(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_ports(Settings(mllp_listeners=str(tmp_path / "none.toml")))


@pytest.mark.parametrize("missing", ["mllp_tls_certificate_file", "mllp_tls_key_file"])
def test_half_of_a_certificate_is_refused(missing: str) -> None:
    given: dict[str, Any] = {"mllp_tls_certificate_file": "c.pem", "mllp_tls_key_file": "k.pem", "mllp_tls_client_ca_file": "a.pem"}
    with pytest.raises(InvalidInput, match="listener tls: "):
        read_ports(Settings(**{**given, missing: ""}))


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::"])
def test_without_tls_it_binds_to_loopback_only(host: str) -> None:
    plain = one(Settings())
    with pytest.raises(InvalidInput, match="loopback"):
        plain.check_address(host)
    one(Settings(mllp_any_address=True)).check_address(host)
    secure(Settings(mllp_tls_certificate_file="c.pem", mllp_tls_key_file="k.pem")).check_address(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1"])
def test_loopback_needs_no_tls(host: str) -> None:
    one(Settings()).check_address(host)


def test_by_default_there_is_one_plain_listener_with_the_limits_of_the_settings() -> None:
    plain = one(Settings(mllp_max_frame_bytes=5000, mllp_idle_seconds=7, default_charset="8859/1"))
    assert (plain.address, plain.tls, plain.charset, plain.socket_name) == ("127.0.0.1:2575", None, "8859/1", "mllp")
    assert Limits.of(plain) == Limits(5000, 500, 50, 7, 30, 10)


def test_with_a_certificate_there_is_one_with_tls_on_2576_as_well() -> None:
    given = Settings(mllp_tls_certificate_file="c.pem", mllp_tls_key_file="k.pem", mllp_tls_client_ca_file="a.pem")
    plain, tls = read_ports(given)
    assert (plain.tls, tls.tls) == (None, TlsFiles(Path("c.pem"), Path("k.pem"), Path("a.pem")))
    assert (tls.address, tls.socket_name) == ("0.0.0.0:2576", "mllp_tls")


def test_each_listener_of_a_file_has_its_own_settings_and_the_usual_ones_for_the_rest(tmp_path: Path) -> None:
    content = PLAIN + 'charset = "8859/1"\nmax_frame_bytes = 4_194_304\n' + PLAIN.replace("pas", "old-epr").replace("2575", "2577")
    pas, epr = read_ports(settings(tmp_path, content, mllp_max_connections=9))
    assert (pas.charset, pas.max_frame_bytes, pas.max_connections) == ("8859/1", 4_194_304, 9)
    assert (epr.charset, epr.max_frame_bytes, epr.max_connections) == ("", 1_048_576, 9)
    assert (pas.socket_name, epr.socket_name) == ("mllp_pas", "mllp_old_epr")


def test_files_are_named_from_where_the_listeners_file_is(tmp_path: Path) -> None:
    content = PLAIN + 'certificate_file = "c.pem"\nkey_file = "/run/secrets/k.pem"\n'
    [port] = read_ports(settings(tmp_path, content))
    assert port.tls == TlsFiles(tmp_path / "c.pem", Path("/run/secrets/k.pem"), None)


@pytest.mark.parametrize(
    "said, optional, only_1_3",
    [
        ("", False, False),
        ("client_certificates = 'optional'", True, False),
        ("client_certificates = 'required'\nminimum_tls = '1.3'", False, True),
    ],
)
def test_each_listener_asks_for_certificates_and_tls_in_its_own_way(
    tmp_path: Path, said: str, optional: bool, only_1_3: bool
) -> None:
    secure = PLAIN + "certificate_file = 'c.pem'\nkey_file = 'k.pem'\nclient_ca_file = 'a.pem'\n"
    other = secure.replace("pas", "epr").replace("2575", "2577")
    mine, usual = (port.tls for port in read_ports(settings(tmp_path, f"{secure}{said}\n{other}")))
    assert mine is not None
    assert usual is not None
    assert (mine.optional, mine.only_1_3) == (optional, only_1_3)
    assert (usual.optional, usual.only_1_3) == (False, False)


def test_this_machine_s_own_tools_use_the_plain_one(tmp_path: Path) -> None:
    secure_first = PLAIN.replace("pas", "tls").replace("2575", "2576") + 'certificate_file = "c"\nkey_file = "k"\n' + PLAIN
    assert plain_one(read_ports(settings(tmp_path, secure_first))).name == "pas"


def test_the_example_of_the_documents_is_taken(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "hl7.md").read_text()
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    ports = read_ports(settings(tmp_path, example))
    assert len(ports) > 1
    assert {port.tls is None for port in ports} == {True, False}


def one(given: Settings) -> Port:
    [port] = read_ports(given)
    return port


def secure(given: Settings) -> Port:
    return read_ports(given)[1]
