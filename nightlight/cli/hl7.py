"""The commands about HL7 v2 messages, put together: nightlight hl7 …"""

import typer

from nightlight.cli.hl7_explain import explain_file, validate_file
from nightlight.cli.hl7_quarantine import quarantine

hl7 = typer.Typer(no_args_is_help=True, help="HL7 v2 messages: what Nightlight makes of them, and those that it could not take.")
hl7.command("explain")(explain_file)
hl7.command("validate")(validate_file)
hl7.add_typer(quarantine, name="quarantine")
