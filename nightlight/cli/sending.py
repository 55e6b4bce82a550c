"""`nightlight send`: HL7 v2 files to a listener over MLLP, with TLS and a certificate of one's own where it asks for them."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import InvalidInput
from hl7_listener.outbound_tls import ClientFiles, client_context
from hl7_listener.tls import BadCertificate
from nightlight.cli.console import DataFolder, out, settings_of_store
from nightlight.cli.mllp import Tls, acknowledged_code, messages_in, send_all


def _pem(help_text: str) -> Any:
    return typer.Option(metavar="FILE", exists=True, dir_okay=False, readable=True, show_default=False, help=f"PEM: {help_text}.")


def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True, show_default=False)],
    to: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The listener; default: the running service's without TLS.", show_default=False),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS. So does each of the options below.")] = False,
    ca: Annotated[Path | None, _pem("who issued the listener's certificate; default: whom this machine trusts")] = None,
    certificate: Annotated[Path | None, _pem("the certificate to show, then its chain")] = None,
    key: Annotated[Path | None, _pem("the key of that certificate, without a password")] = None,
    server_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name in the listener's certificate; default: HOST.", show_default=False)
    ] = None,
    data: DataFolder = None,
) -> None:
    """Send HL7 v2 files over MLLP and print each acknowledgement; in enhanced mode both, where a message asks for both.

    Exit status 0: every message was accepted (AA or CA, and nothing else). 1: otherwise, or a message wants to hear nothing.
    """
    messages = [(file.name, message) for file in files for message in messages_in(file.read_bytes())]
    if not messages:
        raise InvalidInput("there is no message in these files: an HL7 v2 message begins with MSH")
    secured = _secured(ClientFiles(ca, certificate, key), server_name) if tls or ca or certificate or key or server_name else None
    if secured and not to:
        raise InvalidInput("name the listener that speaks TLS with --to HOST:PORT")
    accepted = True
    for name, acknowledgements in asyncio.run(send_all(to or _listener_of(data), messages, secured)):
        out.print(f"{name}:", markup=False)
        for acknowledgement in acknowledgements:
            out.print(acknowledgement.replace("\r", "\n").rstrip(), markup=False)
        if not acknowledgements:
            out.print("No acknowledgement came: by MSH-15 and MSH-16 none is wanted, or of errors only.", markup=False)
        accepted = accepted and bool(acknowledgements) and {acknowledged_code(each) for each in acknowledgements} <= {"AA", "CA"}
    raise typer.Exit(0 if accepted else 1)


def _secured(files: ClientFiles, name: str | None) -> Tls:
    if (files.certificate is None) != (files.key is None):
        raise InvalidInput("--certificate and --key belong together")
    try:
        return Tls(client_context(files), name)
    except BadCertificate:
        raise InvalidInput("the CA file, or the certificate with its key, cannot be used: PEM, without a password") from None


def _listener_of(data: Path | None) -> str:
    settings = settings_of_store(data)
    ports = settings.data_dir / "ports.json"
    if ports.exists():
        return f"127.0.0.1:{json.loads(ports.read_text(encoding='utf-8'))['mllp']}"
    return settings.mllp
