"""What PDS is asked with: refused where it would be unsafe, and none where nothing is configured."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey
from pydantic import SecretStr

from domain.errors import InvalidInput
from fhir_adapter.pds.access import check_address, read_access, read_private_key
from runtime.settings import Settings
from tests.fhir_adapter.pds.register import rsa_key

PDS = "https://api.service.nhs.uk/personal-demographics/FHIR/R4"


def pem_of(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def settings(folder: Path, **changes: Any) -> Settings:
    key = folder / "key.pem"
    key.write_bytes(rsa_key().as_pem(private=True))
    given: dict[str, Any] = {
        "pds_url": PDS,
        "pds_token_url": "https://api.service.nhs.uk/oauth2/token",
        "pds_api_key": SecretStr("an-api-key"),
        "pds_key_id": "test-1",
        "pds_private_key_file": str(key),
        **changes,
    }
    return Settings(**given)


def test_without_an_address_there_is_no_access_and_nothing_is_refused() -> None:
    assert read_access(Settings(), is_production=True) is None


@pytest.mark.parametrize("missing", ["pds_token_url", "pds_key_id", "pds_private_key_file"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InvalidInput, match=f"NIGHTLIGHT_{missing.upper()} is missing"):
        read_access(settings(tmp_path, **{missing: ""}), is_production=False)
    with pytest.raises(InvalidInput, match="NIGHTLIGHT_PDS_API_KEY is missing"):
        read_access(settings(tmp_path, pds_api_key=SecretStr("")), is_production=False)


@pytest.mark.parametrize(
    "url,test_store,production",
    [
        ("https://api.service.nhs.uk/personal-demographics/FHIR/R4", True, True),
        ("http://api.service.nhs.uk/personal-demographics/FHIR/R4", False, False),
        ("http://127.0.0.1:8080/FHIR", True, False),
        ("http://[::1]:8080/FHIR", True, False),
        ("http://localhost:8080/FHIR", True, False),
        ("https://localhost/FHIR", True, False),
        ("https://LOCALHOST./FHIR", True, False),
        ("https://127.8.8.8/FHIR", True, False),
        ("http://10.0.0.1/FHIR", False, False),
        ("ftp://127.0.0.1/FHIR", False, False),
        ("https://user:word@api.service.nhs.uk/FHIR", False, False),
        ("https://api.service.nhs.uk/FHIR?x=1", False, False),
        ("https://api.service.nhs.uk/FHIR#x", False, False),
        ("nonsense", False, False),
        ("https://", False, False),
    ],
)
def test_only_https_and_a_stand_in_on_loopback_only_in_a_store_for_tests(url: str, test_store: bool, production: bool) -> None:
    for is_production, is_taken in ((False, test_store), (True, production)):
        if is_taken:
            check_address("NIGHTLIGHT_PDS_URL", url, is_production=is_production)
        else:
            with pytest.raises(InvalidInput, match="NIGHTLIGHT_PDS_URL") as refused:
                check_address("NIGHTLIGHT_PDS_URL", url, is_production=is_production)
            assert "word" not in str(refused.value)


def test_both_addresses_are_checked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="NIGHTLIGHT_PDS_TOKEN_URL"):
        read_access(settings(tmp_path, pds_token_url="http://api.service.nhs.uk/oauth2/token"), is_production=False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        ECKey.generate_key("P-256").as_pem(private=True),
        rsa_key().as_pem(private=False),
        pem_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 (that is what is refused)
    ],
    ids=["empty", "nonsense", "elliptic", "public", "short"],
)
def test_a_file_that_holds_no_private_rsa_key_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="NIGHTLIGHT_PDS_PRIVATE_KEY_FILE"):
        read_private_key(file)


def test_the_access_has_what_was_set(tmp_path: Path) -> None:
    access = read_access(settings(tmp_path, pds_url=f"{PDS}/", pds_organisation="R0A", pds_per_second=2.5), is_production=True)
    assert access is not None
    assert (access.url, access.organisation, access.per_second, access.key_id) == (PDS, "R0A", 2.5, "test-1")
