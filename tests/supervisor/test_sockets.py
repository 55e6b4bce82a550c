"""Where the service listens: addresses read, ports taken, and what is said where they cannot be."""

import socket

import pytest

from domain.errors import InvalidInput
from nightlight.supervisor.sockets import Address, AddressInUse, address_of, listen


@pytest.mark.parametrize("text", ["", "8000", ":8000", "localhost", "localhost:", "localhost:http", "h:65536", "h:-1", "h:²"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no HOST:PORT"):
        Address.from_text(text)


@pytest.mark.parametrize("option", ["http", "mllp"])
def test_a_busy_port_is_refused_in_one_line_that_names_the_remedy(option: str) -> None:
    with listen(Address("127.0.0.1", 0), option) as first, pytest.raises(AddressInUse) as refusal:
        listen(address_of(first), option)
    port = refusal.value.args[0].split()[3]
    assert refusal.value.args[0] == (
        f"cannot listen on {port} another program is using it; choose another with --{option} HOST:PORT "
        f"or NIGHTLIGHT_{option.upper()} (127.0.0.1:0 takes a free port)"
    )


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AddressInUse, match="this machine has no such address"):
        listen(Address("192.0.2.1", 0), "http")


@pytest.mark.parametrize(
    "text, host, port, reachable",
    [
        ("127.0.0.1:8000", "127.0.0.1", 8000, "127.0.0.1:8000"),
        ("localhost:0", "localhost", 0, "localhost:0"),
        ("[::1]:2575", "::1", 2575, "[::1]:2575"),
        ("0.0.0.0:80", "0.0.0.0", 80, "127.0.0.1:80"),
        ("[::]:80", "::", 80, "[::1]:80"),
    ],
)
def test_addresses_are_read_and_written_alike(text: str, host: str, port: int, reachable: str) -> None:
    address = Address.from_text(text)
    assert address == Address(host, port)
    assert str(address) == text
    assert str(address.reachable) == reachable


def test_port_0_takes_a_free_one_and_listens() -> None:
    with listen(Address("127.0.0.1", 0), "mllp") as listening:
        address = address_of(listening)
        assert address.port != 0
        socket.create_connection((address.host, address.port)).close()
