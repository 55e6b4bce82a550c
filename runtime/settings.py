"""Every setting of Nightlight, read once from the environment (prefix NIGHTLIGHT_) and from secret files.

Called by `nightlight` (the command line), which hands the frozen result to everybody else.
`docs/configuration.md` is generated from this module and compared in the tests.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "NIGHTLIGHT_"


class Settings(BaseSettings):
    """What can be set. A secret NAME can also be given as NAME_FILE, the path of a file that holds it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data_dir: Path = Field(Path("data"), description="Folder of the embedded servers, keys and ports.json.")
    http: str = Field("127.0.0.1:8000", description="HOST:PORT of the pages and the FHIR API; port 0 takes a free one.")
    mllp: str = Field("127.0.0.1:2575", description="HOST:PORT of the HL7 v2 listener; port 0 takes a free one.")
    public_url: str = Field("", description="The address by which people reach the pages; default http://HOST:PORT.")
    production: bool = Field(False, description="The store that is created holds real people: no demo, no test numbers.")

    database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL 18+, service role; empty starts an embedded one.")
    owner_database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL, owner role; only for migrations.")
    redis_url: SecretStr = Field(SecretStr(""), description="Valkey or Redis; empty starts an embedded one.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs tokens and keys the hash of unknown NHS numbers; 32+ characters; empty makes one in the data folder.",
    )
    spare_log_files: int = Field(
        32, ge=0, le=256, description="Log files (16 MB each) that lie ready on the embedded PostgreSQL; see decision 46."
    )
    dispatchers: int = Field(1, ge=1, le=32, description="Dispatchers that `nightlight serve` starts: they share the deliveries.")
    database_connections: int = Field(10, ge=3, description="Largest number of database connections of one process.")

    oidc_issuer: str = Field("", description="OpenID Connect issuer that people sign in with.")
    oidc_client_id: str = Field("nightlight", description="Client id at that issuer.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Client secret at that issuer.")
    session_hours: float = Field(8, gt=0, description="Hours after which a signed-in person must sign in again.")

    smtp_url: SecretStr = Field(SecretStr(""), description="smtp://user:password@host:port or smtps://…; empty: e-mails wait.")
    mail_from: str = Field("nightlight@localhost", description="Sender of the e-mails.")
    operator_email: str = Field(
        "", description="Mailbox of whoever runs Nightlight, told of feeds that are late; empty: nobody is."
    )

    upload_max_bytes: int = Field(200_000_000, ge=1_000_000, description="Largest extract that the upload page takes.")

    desk_queue: int = Field(2000, ge=1, description="Questions that may wait at one desk; a full desk answers AR or 503.")
    fhir_requests_per_second: float = Field(
        10_000, gt=0, description="Requests of one FHIR client that one process answers in a second; more are refused (429)."
    )
    mllp_max_frame_bytes: int = Field(1_048_576, ge=1024, description="Longest HL7 message taken.")
    mllp_max_connections: int = Field(500, ge=1, description="Connections of all peers together, of one listener.")
    mllp_max_connections_per_peer: int = Field(50, ge=1, description="Connections of one address, of one listener.")
    mllp_idle_seconds: float = Field(3600, gt=0, description="A connection that is silent for longer is closed.")
    mllp_frame_seconds: float = Field(30, gt=0, description="Longest time from a message's first byte to its last.")
    mllp_handshake_seconds: float = Field(10, gt=0, description="Longest time for a TLS handshake.")
    mllp_any_address: bool = Field(False, description="Lets a listener bind beyond loopback although it has no TLS.")
    mllp_tls: str = Field(
        "0.0.0.0:2576",
        description="HOST:PORT of the HL7 v2 listener with TLS, where a certificate is set.",
    )
    mllp_tls_certificate_file: str = Field("", description="PEM file: the listener's certificate, then its chain.")
    mllp_tls_key_file: str = Field("", description="PEM file: the key of that certificate, without a password.")
    mllp_tls_client_ca_file: str = Field("", description="PEM file: who issues clients' certificates; each client must have one.")
    mllp_listeners: str = Field("", description="TOML file with a table for each listener, in the place of the two above.")
    outbound_application: str = Field("NIGHTLIGHT", description="MSH-3 of the messages that Nightlight sends to hospitals.")
    outbound_facility: str = Field("NIGHTLIGHT", description="MSH-4 of the messages that Nightlight sends to hospitals.")
    outbound_any_address: bool = Field(False, description="Lets messages to hospitals leave this machine without TLS.")
    outbound_ca_file: str = Field(
        "", description="PEM file: who issues the certificates of hospitals' engines; empty: whom this machine trusts."
    )
    outbound_certificate_file: str = Field("", description="PEM file: the certificate that is shown to hospitals' engines.")
    outbound_key_file: str = Field("", description="PEM file: the key of that certificate, without a password.")
    outbound_ack_seconds: float = Field(20, gt=0, le=24, description="Longest wait for a hospital's acknowledgement.")
    default_charset: str = Field("", description="Character set of messages that name none in MSH-18.")
    control_id_days: int = Field(30, ge=1, description="Days for which a control ID is remembered.")
    query_alarm_per_hour: int = Field(
        100, ge=1, description="Lookups of numbers that its feed never had, of one peer for one site in an hour, before an alarm."
    )
    quarantine_alarm_minutes: float = Field(
        60, gt=0, description="A message that has been in quarantine for longer makes /ready say degraded."
    )
    private_endpoints: str = Field(
        "",
        description="HOSTs or HOST:PORTs, commas between: registered addresses that may be private, and without TLS on loopback.",
    )
    endpoint_ca_file: str = Field(
        "", description="PEM file: who issues the certificates of registered addresses; empty: whom this machine trusts."
    )
    pds_url: str = Field(
        "", description="FHIR base address of PDS (https://…/personal-demographics/FHIR/R4); empty: nothing is traced."
    )
    pds_token_url: str = Field("", description="Where PDS's access tokens are had (https://…/oauth2/token).")
    pds_api_key: SecretStr = Field(SecretStr(""), description="API key of the application that is registered with NHS England.")
    pds_key_id: str = Field("", description="Key id (kid) under which the public key is registered there.")
    pds_private_key_file: str = Field("", description="PEM file: the RSA key that signs for PDS, without a password.")
    pds_organisation: str = Field("", description="ODS code on whose behalf PDS is asked.")
    pds_per_second: float = Field(5, gt=0, description="Requests to PDS that one process may start in a second.")
    pds_timeout_seconds: float = Field(10, gt=0, description="Longest wait for PDS, at each step of a request.")
    match_minutes: float = Field(
        10, ge=0, description="Longest time that a load asks PDS about new people; who is left is asked about after it."
    )
    match_days: float = Field(7, gt=0, description="Days after which PDS is asked again about everybody with a plan.")
    mesh_url: str = Field("", description="Address of MESH (https://…); empty: nothing comes or goes by MESH.")
    mesh_mailbox: str = Field("", description="Id of our own MESH mailbox, to which authorities send.")
    mesh_password: SecretStr = Field(SecretStr(""), description="Password of that mailbox.")
    mesh_shared_key: SecretStr = Field(SecretStr(""), description="Shared key of the MESH environment.")
    mesh_ca_file: str = Field("", description="PEM file: who issues MESH's certificate; empty: as the MESH client knows it.")
    mesh_certificate_file: str = Field("", description="PEM file: the certificate that is shown to MESH.")
    mesh_key_file: str = Field("", description="PEM file: the key of that certificate, without a password.")
    mesh_poll_seconds: float = Field(60, gt=0, description="Seconds between two looks into the MESH inbox.")
    mesh_timeout_seconds: float = Field(30, gt=0, description="Longest wait for MESH, at each step of a request.")
    mesh_workflow_upload: str = Field("CPIS_UPLOAD", description="MESH workflow ids of extracts; several with commas between.")
    mesh_workflow_response: str = Field("CPIS_UPLOAD_RESPONSE", description="MESH workflow id of the answers to extracts.")
    mesh_workflow_notification: str = Field("CPIS_NOTIFICATION", description="MESH workflow id of the notices of accesses.")
    mesh_workflow_inactive: str = Field("CPIS_INACTIVE_NHS_NUMBER", description="MESH workflow id of notices of inactive numbers.")
    notify_api_key: SecretStr = Field(
        SecretStr(""), description="API key of GOV.UK Notify; empty: its e-mails and text messages wait."
    )
    notify_email_template_id: str = Field("", description="Id of the e-mail template in Notify; empty: its e-mails wait.")
    notify_sms_template_id: str = Field("", description="Id of the text message template in Notify; empty: text messages wait.")
    notify_url: str = Field("https://api.notifications.service.gov.uk", description="Address of GOV.UK Notify.")
    notify_callback_token: SecretStr = Field(
        SecretStr(""), description="Bearer token with which Notify posts its receipts, 10+ characters; empty: none is taken."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @property
    def session_life(self) -> timedelta:
        """How long a sign-in lasts."""
        return timedelta(hours=self.session_hours)

    def link(self, path: str) -> str:
        """An absolute address of a page, for e-mails and answers."""
        return f"{self.public_url.rstrip('/') or 'http://' + self.http}{path}"


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, secret files and the command line, the last winning.

    Raises ValueError (pydantic's) naming the setting that does not fit, and OSError for a secret file that cannot be read.
    """
    from_files = {
        name: Path(path).read_text(encoding="utf-8").strip()
        for name in Settings.model_fields
        if (path := os.environ.get(f"{PREFIX}{name.upper()}_FILE"))
    }
    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings(**{**from_files, **given})
