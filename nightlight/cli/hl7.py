"""The commands about HL7 v2 messages, put together: nightlight hl7 …"""

import typer

from nightlight.cli.hl7_quarantine import quarantine

hl7 = typer.Typer(no_args_is_help=True, help="HL7 v2 messages: what could not be taken.")
hl7.add_typer(quarantine, name="quarantine")
