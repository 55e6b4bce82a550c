"""Calling registered addresses: what is refused, then what a listed one answers. Real servers, real names, real TLS."""

import ssl
from ipaddress import ip_address

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from runtime.endpoint_addresses import is_public, parse_listed, parse_target, refusal
from runtime.endpoints import EndpointError, Endpoints, endpoints
from runtime.settings import Settings
from tests.runtime.answering import answering, http

LISTED = ("localhost", "127.0.0.1", "elsewhere.localhost")
AUTHORITY = trustme.CA()


def _server_context(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def _believing() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def _code(caller: Endpoints, url: str) -> tuple[str, bool]:
    with pytest.raises(EndpointError) as refused:
        await caller.get_json(url)
    return refused.value.code, refused.value.temporary


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "192.0.2.1",
        "192.168.0.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2002:a00:1::1", "2001:0:7f00:1::1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_belongs_to_nobody_on_the_internet_is_not_called(address: str) -> None:
    assert not is_public(ip_address(address))
    assert refusal(parse_target("https://ehr.example/"), [address], frozenset()) == "private-address"


@pytest.mark.parametrize("address", ["20.26.156.215", "2a00:1450:4009::200e", "::ffff:20.26.156.215", "64:ff9b::141a:9cd7"])
def test_a_public_address_may_be_called(address: str) -> None:
    assert refusal(parse_target("https://ehr.example/"), [address], frozenset()) == ""


def test_a_name_that_stands_for_a_public_and_a_private_address_is_not_called() -> None:
    assert refusal(parse_target("https://ehr.example/"), ["20.26.156.215", "10.0.0.1"], frozenset()) == "private-address"


@pytest.mark.parametrize(
    "url, listed, addresses, code",
    [
        ("http://ehr.example/", "", ["20.26.156.215"], "not-https"),
        ("http://ehr.example/", "ehr.example", ["20.26.156.215"], "not-https"),
        ("http://ehr.example/", "ehr.example", ["10.0.0.1"], "not-https"),
        ("http://ehr.example/", "ehr.example", ["127.0.0.1", "10.0.0.1"], "not-https"),
        ("http://localhost/", "", ["127.0.0.1"], "not-https"),
        ("http://localhost/", "localhost", ["127.0.0.1"], ""),
        ("http://[::1]:9000/", "[::1]:9000", ["::1"], ""),
        ("https://ehr.example/", "ehr.example", ["10.0.0.1"], ""),
        ("https://EHR.example./", "ehr.example", ["10.0.0.1"], ""),
        ("https://ehr.example/", "other.example, ehr.example:443", ["10.0.0.1"], ""),
        ("https://ehr.example:8443/", "ehr.example:443", ["10.0.0.1"], "private-address"),
        ("https://notehr.example/", "ehr.example", ["10.0.0.1"], "private-address"),
    ],
)
def test_only_a_listed_host_may_be_private_and_only_loopback_goes_without_tls(
    url: str, listed: str, addresses: list[str], code: str
) -> None:
    assert refusal(parse_target(url), addresses, parse_listed(listed)) == code


@pytest.mark.parametrize(
    "url",
    [
        "", "ehr.example", "//ehr.example/", "ftp://ehr.example/", "file:///etc/passwd", "https://", "https:///keys",
        "https://user@ehr.example/", "https://user:pass@ehr.example/", "https://ehr.example/#keys", "https://ehr.example:0x/",
        "https://ehr.example:99999/", "https://ehr.example/a b", "https://ehr.example/\r\nx: y", "https://éhr.example/",
        "https://ehr.example\\@10.0.0.1/", "https://[::1/", "https://ehr.example/" + "x" * 2048,
    ],
)  # fmt: skip
async def test_what_is_no_address_is_neither_registered_nor_called(url: str) -> None:
    with pytest.raises(InvalidInput):
        Endpoints().check(url)
    assert await _code(Endpoints(), url) == ("bad-address", False)


def test_an_address_without_tls_is_registered_only_where_its_host_is_listed() -> None:
    with pytest.raises(InvalidInput):
        Endpoints().check("http://localhost:9000/keys")
    Endpoints(LISTED).check("http://localhost:9000/keys")
    Endpoints().check("https://ehr.example/keys")


@given(st.text(max_size=80) | st.from_regex(r"https?://[ -~]{1,60}", fullmatch=True))
def test_any_text_is_taken_apart_or_refused_in_words(text: str) -> None:
    try:
        target = parse_target(text)
    except InvalidInput:
        return
    assert target.host
    assert target.host == target.host.lower()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "elsewhere.localhost"])
async def test_a_name_that_stands_for_this_machine_is_not_called(host: str) -> None:
    async with answering(http(b"{}"), _server_context("localhost")) as server:
        code, _ = await _code(Endpoints(context=_believing()), f"https://{host}:{server.port}/")
        assert code in {"private-address", "no-such-name"}
        assert server.asked == []


async def test_a_name_that_nobody_has_is_tried_again_later() -> None:
    assert await _code(Endpoints(), "https://nobody.invalid/") == ("no-such-name", True)


async def test_a_redirect_is_not_followed() -> None:
    async with answering(http(b"{}")) as inner:
        moved = http(b"", "302 Found", f"location: http://127.0.0.1:{inner.port}/")
        async with answering(moved) as outer:
            assert await _code(Endpoints(LISTED), f"http://127.0.0.1:{outer.port}/") == ("redirect", False)
        assert inner.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        http(b"x" * 1001),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n1\r\nx\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000,
    ],
    ids=["announced", "in chunks", "until it closes"],
)
async def test_a_reply_that_is_too_long_is_not_taken(answer: bytes) -> None:
    async with answering(answer) as server:
        assert await _code(Endpoints(LISTED, longest=1000), f"http://127.0.0.1:{server.port}/") == ("too-long", False)


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"], ids=["nothing", "not all"])
async def test_who_does_not_answer_in_time_is_not_waited_for(answer: bytes | None) -> None:
    async with answering(answer) as server:
        code, temporary = await _code(Endpoints(LISTED, seconds=0.3), f"http://127.0.0.1:{server.port}/")
        assert (code in {"slow", "broken"}, temporary) == (True, True)


@pytest.mark.parametrize("name", ["elsewhere.example", "127.0.0.2"])
async def test_a_certificate_of_another_name_is_not_believed(name: str) -> None:
    async with answering(http(b"{}"), _server_context(name)) as server:
        assert await _code(Endpoints(LISTED, _believing()), f"https://localhost:{server.port}/") == ("tls", False)
        assert server.asked == []


async def test_a_certificate_of_somebody_unknown_is_not_believed() -> None:
    async with answering(http(b"{}"), _server_context("localhost")) as server:
        assert await _code(Endpoints(LISTED), f"https://localhost:{server.port}/") == ("tls", False)
        assert server.asked == []


@pytest.mark.parametrize(
    "status, temporary",
    [
        ("400 No", False),
        ("401 No", False),
        ("404 No", False),
        ("410 Gone", False),
        ("429 Later", True),
        ("500 Oh", True),
        ("503 Oh", True),
    ],
)
async def test_a_status_says_whether_to_try_again(status: str, temporary: bool) -> None:
    async with answering(http(b"a secret of the server", status)) as server:
        with pytest.raises(EndpointError) as refused:
            await Endpoints(LISTED).post(f"http://127.0.0.1:{server.port}/hook", b"x", {})
    assert (refused.value.code, refused.value.temporary) == (f"status-{status[:3]}", temporary)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n"])
async def test_what_is_no_reply_is_tried_again_later(answer: bytes) -> None:
    async with answering(answer) as server:
        assert await _code(Endpoints(LISTED), f"http://127.0.0.1:{server.port}/") == ("broken", True)


async def test_nobody_there_is_tried_again_later() -> None:
    async with answering(b"") as server:
        pass
    assert await _code(Endpoints(LISTED), f"http://127.0.0.1:{server.port}/") == ("unreachable", True)


async def test_what_is_not_json_is_said_to_be_so() -> None:
    async with answering(http(b"<html>")) as server:
        assert await _code(Endpoints(LISTED), f"http://127.0.0.1:{server.port}/") == ("not-json", False)


async def test_a_listed_loopback_address_is_called_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with answering(http(b'{"keys": []}')) as server:
        assert await Endpoints(LISTED).get_json(f"http://127.0.0.1:{server.port}/keys?v=1") == {"keys": []}
    [asked] = server.asked
    assert asked.startswith(b"GET /keys?v=1 HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{server.port}\r\n".encode() in asked.lower()


async def test_bytes_are_sent_as_they_are_over_tls_with_the_headers_that_were_named() -> None:
    async with answering(http(b"", "202 Accepted", "X-Seen: yes"), _server_context("localhost")) as server:
        caller = Endpoints((f"localhost:{server.port}",), _believing())
        answer = await caller.post(f"https://localhost:{server.port}/hook", b"\x00body", {"content-type": "application/fhir+json"})
    assert (answer.status, answer.headers["x-seen"]) == (202, "yes")
    [asked] = server.asked
    assert asked.endswith(b"\r\n\r\n\x00body")
    assert b"content-type: application/fhir+json\r\n" in asked


async def test_the_settings_say_who_is_listed() -> None:
    assert await _code(endpoints(Settings()), "https://127.0.0.1:1/") == ("private-address", False)
    assert await _code(endpoints(Settings(private_endpoints="127.0.0.1:1")), "https://127.0.0.1:1/") == ("unreachable", True)
