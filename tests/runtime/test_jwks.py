"""Other systems' signed tokens: a table of what is refused and why, then what is good; and which keys may be registered at all."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from domain.errors import InvalidInput
from runtime.jwks import (
    ALGORITHMS,
    LONGEST_LIFE,
    SKEW,
    BadToken,
    parsed_key_set,
    public_key,
    read_key_set,
    read_unverified,
    verify,
)
from tests.runtime.signing import claims_of, signer, unsigned, with_secret

AUDIENCE = "https://nightlight.example/oauth2/token"
AT = 1_800_000_000
RSA, RSA512, EC = signer("RS384"), signer("RS512", "key-2"), signer("ES384", "key-3")
OTHER = signer("RS384", "another")
KEYS = read_key_set({"keys": [RSA.public(), RSA512.public(), EC.public()]})


def _claims(**changes: Any) -> dict[str, Any]:
    return claims_of("ward-app", AUDIENCE, **{"iat": AT, "exp": AT + 240, **changes})


def _reason(token: str) -> str:
    with pytest.raises(BadToken) as refused:
        verify(token, KEYS, AUDIENCE, at=AT)
    return refused.value.reason


@pytest.mark.parametrize(
    "token, reason",
    [
        ("", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c.d.e", "malformed"),
        ("é.ü.ß", "malformed"),
        ("x" * 9000, "malformed"),
        (unsigned(_claims(), "key-1"), "algorithm"),
        (with_secret(RSA.pem, "HS256", "key-1", _claims()), "algorithm"),
        (with_secret(RSA.pem, "HS384", "key-1", _claims()), "algorithm"),
        (RSA.sign(_claims(), "RS256"), "algorithm"),
        (RSA.sign(_claims(), "PS384"), "algorithm"),
        (RSA.sign(_claims(), "RS512"), "algorithm"),
        (RSA512.sign(_claims(), "RS384"), "algorithm"),
        (EC.sign(_claims(), kid="key-1"), "algorithm"),
        (RSA.sign(_claims(), kid="key-3"), "algorithm"),
        (RSA.sign(_claims(), kid=None), "key-unknown"),
        (RSA.sign(_claims(), kid="key-9"), "key-unknown"),
        (RSA.sign(_claims(), kid=7), "malformed"),
        (RSA.sign(_claims(), kid="k" * 256), "malformed"),
        (OTHER.sign(_claims()), "key-unknown"),
        (OTHER.sign(_claims(), kid="key-1"), "signature"),
        (OTHER.sign(_claims(), kid="key-1", jwk=OTHER.public()), "signature"),
        (RSA.sign(_claims())[:-4] + "AAAA", "signature"),
        (RSA.sign(_claims(), crit=["exp"]), "signature"),
        (RSA.sign(_claims(aud=None)), "audience"),
        (RSA.sign(_claims(aud=AUDIENCE + "/")), "audience"),
        (RSA.sign(_claims(aud="https://nightlight.example")), "audience"),
        (RSA.sign(_claims(aud=[AUDIENCE, "https://other.example"])), "audience"),
        (RSA.sign(_claims(aud={})), "audience"),
        (RSA.sign(_claims(iss=None)), "issuer"),
        (RSA.sign(_claims(iss="")), "issuer"),
        (RSA.sign(_claims(iss=5)), "malformed"),
        (RSA.sign(_claims(jti=None)), "no-jti"),
        (RSA.sign(_claims(jti="")), "no-jti"),
        (RSA.sign(_claims(jti=5)), "no-jti"),
        (RSA.sign(_claims(jti="j" * 256)), "no-jti"),
        (RSA.sign(_claims(exp=None)), "times"),
        (RSA.sign(_claims(exp=str(AT + 60))), "times"),
        (RSA.sign(_claims(exp=True)), "times"),
        (RSA.sign(_claims(iat="now")), "times"),
        (RSA.sign(_claims(nbf=[])), "times"),
        (RSA.sign(_claims(exp=2**63)), "times"),
        (RSA.sign(_claims(exp=AT - SKEW)), "expired"),
        (RSA.sign(_claims(exp=AT + LONGEST_LIFE + SKEW + 1)), "too-long"),
        (RSA.sign(_claims(iat=AT + SKEW + 1)), "not-yet"),
        (RSA.sign(_claims(nbf=AT + SKEW + 1)), "not-yet"),
    ],
    ids=lambda value: value if len(value) < 12 else "token",  # the same in every process: signatures never are
)
def test_a_token_is_refused_for_a_reason(token: str, reason: str) -> None:
    assert _reason(token) == reason


@pytest.mark.parametrize(
    "claims",
    [
        _claims(),
        _claims(aud=[AUDIENCE]),
        _claims(iat=None),
        _claims(exp=AT - SKEW + 1),
        _claims(exp=AT + LONGEST_LIFE + SKEW),
        _claims(exp=AT + 0.5),
        _claims(iat=AT + SKEW),
        _claims(nbf=AT + SKEW),
        _claims(jti="j" * 255),
    ],
)
def test_a_token_is_good_up_to_the_edge(claims: dict[str, Any]) -> None:
    verified = verify(RSA.sign(claims), KEYS, AUDIENCE, at=AT)
    assert (verified.issuer, verified.subject, verified.jti) == ("ward-app", "ward-app", claims["jti"])
    assert verified.expires_at.timestamp() == claims["exp"]


@pytest.mark.parametrize("each", [RSA, RSA512, EC])
def test_each_algorithm_is_verified_by_its_own_key(each: Any) -> None:
    assert each.algorithm in ALGORITHMS
    assert verify(each.sign(_claims()), KEYS, AUDIENCE, at=AT).issuer == "ward-app"


def test_a_narrower_choice_of_algorithms_and_types_holds() -> None:
    with pytest.raises(BadToken, match="algorithm"):
        verify(RSA.sign(_claims()), KEYS, AUDIENCE, algorithms=("ES384",), at=AT)
    with pytest.raises(BadToken, match="type"):
        verify(RSA.sign(_claims(), typ="at+jwt"), KEYS, AUDIENCE, types=("jwt",), at=AT)
    assert verify(RSA.sign(_claims()), KEYS, AUDIENCE, types=("jwt",), at=AT).subject == "ward-app"


def test_what_a_token_says_of_itself_is_read_without_believing_it() -> None:
    said = read_unverified(OTHER.sign(_claims(), jku="https://ehr.example/jwks"))
    assert (said.algorithm, said.kid, said.type) == ("RS384", "another", "JWT")
    assert (said.key_url, said.issuer) == ("https://ehr.example/jwks", "ward-app")


@pytest.mark.parametrize(
    "part", ["[" * 900 + "]" * 900, '{"alg":"RS384","kid":"key-1","x":' + "[" * 900 + "]" * 900 + "}", "[]", "7", "null"]
)
def test_a_header_or_claims_of_any_form_are_refused(part: str) -> None:
    encoded = base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
    good = RSA.sign(_claims()).split(".")
    for token in (f"{encoded}.{good[1]}.{good[2]}", f"{good[0]}.{encoded}.{good[2]}"):
        assert _reason(token) in {"malformed", "signature"}


@given(st.text(max_size=80) | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,40}\.[\w-]{0,40}", fullmatch=True))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    assert _reason(text) == "malformed"


@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "jti"]), st.none() | st.booleans() | st.integers() | st.text()
    )
)
def test_no_signed_claims_make_the_reader_stumble(claims: dict[str, Any]) -> None:
    try:
        token = EC.sign(claims)
    except TypeError:  # a number that no JSON of ours holds
        return
    assert _reason(token)


def _rsa(bits: int) -> dict[str, Any]:
    number = base64.urlsafe_b64encode(((1 << bits) - 1).to_bytes((bits + 7) // 8, "big")).decode().rstrip("=")
    return {"kty": "RSA", "kid": "k", "n": number, "e": "AQAB"}


@pytest.mark.parametrize(
    "jwk, words",
    [
        ({}, "RS384"),
        ({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}, "private or shared"),
        ({**RSA.key.as_dict(private=True), "kid": "k"}, "private or shared"),
        ({**ECKey.generate_key("P-256").as_dict(private=False), "kid": "k"}, "P-384"),
        ({**OKPKey.generate_key("Ed25519").as_dict(private=False), "kid": "k"}, "P-384"),
        (RSA.public(alg="RS256"), "RS384"),
        (RSA.public(alg="HS256"), "RS384"),
        (EC.public(alg="RS384"), "P-384"),
        (RSA.public(use="enc"), "signatures"),
        (RSA.public(key_ops=["sign"]), "signatures"),
        (RSA.public(kid=None), "kid"),
        (RSA.public(kid=""), "kid"),
        (RSA.public(kid="k" * 256), "kid"),
        (RSA.public(n=None), "RFC 7518"),
        (EC.public(y=None), "RFC 7518"),
        (EC.public(x="AAAA"), "RFC 7518"),
        (_rsa(1024), "2048"),
        (_rsa(16384), "8192"),
    ],
)
def test_what_may_not_verify_tokens_is_not_registered(jwk: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        public_key(jwk)


def test_a_key_that_names_its_algorithm_verifies_no_other() -> None:
    assert public_key(RSA.public()).algorithms == {"RS384"}
    assert public_key(RSA.public(alg=None)).algorithms == {"RS384", "RS512"}
    assert public_key(EC.public(alg=None)).algorithms == {"ES384"}


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": {}}, "keys"])
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(InvalidInput):
        read_key_set(document)


def test_a_key_that_is_of_no_use_spoils_no_other() -> None:
    odd = [None, 7, "x", {}, {"kty": ["RSA"]}, {"kty": "AKP", "kid": "pq"}, RSA.public(use="enc"), RSA.key.as_dict(private=True)]
    assert [key.kid for key in read_key_set({"keys": [*odd, EC.public()]})] == ["key-3"]


def test_the_text_of_a_key_set_is_parsed_once() -> None:
    text = orjson.dumps({"keys": [EC.public()]}).decode()
    assert parsed_key_set(text) is parsed_key_set(text)
    assert parsed_key_set("") == ()


def test_keys_are_of_the_kinds_that_the_table_names() -> None:
    assert [type(key.key) for key in KEYS] == [RSAKey, RSAKey, ECKey]
