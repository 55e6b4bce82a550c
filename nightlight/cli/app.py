"""Puts the commands together and turns every named error into one line and exit status 1."""

import sys
from collections.abc import Callable
from typing import Any

import psycopg
import typer
from typer.core import TyperGroup

from domain.errors import NightlightError
from nightlight.cli import clients, daily, keeping, onboarding, running, sending, setting_up, trace
from nightlight.cli.agreements import agreements
from nightlight.cli.cds_clients import cds_clients
from nightlight.cli.console import complain
from nightlight.cli.deliveries import deliveries
from nightlight.cli.held import held
from nightlight.cli.hl7 import hl7
from nightlight.cli.identity import identity
from nightlight.cli.mesh import mesh
from nightlight.cli.outbound import site_outbound
from nightlight.cli.peers import peers
from nightlight.cli.postcodes import postcodes
from nightlight.cli.samples import samples
from nightlight.cli.site_rules import rules, site_unclassified
from nightlight.cli.ssd import status_words
from nightlight.cli.subscriptions import client_endpoints
from nightlight.cli.telling import authority_telling, authority_what_if
from nightlight.cli.webhooks import webhooks


class _OneLineErrors(TyperGroup):
    """Where a command raises an error that Nightlight can name, people see its sentence and nothing else."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (NightlightError, OSError, ValueError) as error:
            complain(_sentence(error))
        except psycopg.Error as error:
            complain(f"the database refused (SQLSTATE {error.sqlstate or 'none'}): {type(error).__name__}")
        except ExceptionGroup as group:
            complain(_sentence(group.exceptions[0]))
        sys.exit(1)


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


app = typer.Typer(
    name="nightlight",
    cls=_OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Is this child known to social care, and does social care know that the child was seen?",
)

_COMMANDS: tuple[Callable[..., None], ...] = (
    running.serve,
    running.demo,
    running.api,
    running.listener,
    running.dispatcher,
    running.loader,
    running.migrate,
    daily.check,
    daily.alerts,
    deliveries,
    trace.trace,
    sending.send,
    clients.token,
    mesh,
    keeping.backup,
    keeping.restore,
    keeping.retention,
)

for command in _COMMANDS:
    app.command()(command)
setting_up.sites.command("outbound")(site_outbound)
setting_up.authorities.add_typer(status_words, name="status-word")
setting_up.authorities.add_typer(agreements, name="agreement")
setting_up.authorities.add_typer(samples, name="sample")
setting_up.authorities.command("telling")(authority_telling)
setting_up.authorities.command("what-if")(authority_what_if)
app.add_typer(identity, name="identity")
app.add_typer(setting_up.authorities, name="authority")
for name, site_command in onboarding.SITE_COMMANDS.items():
    setting_up.sites.command(name)(site_command)
setting_up.sites.add_typer(rules, name="rule")
setting_up.sites.command("unclassified")(site_unclassified)
app.add_typer(setting_up.sites, name="site")
app.add_typer(peers, name="peer")
clients.clients.add_typer(client_endpoints, name="endpoint")
app.add_typer(clients.clients, name="client")
app.add_typer(cds_clients, name="cds-client")
daily.extracts.add_typer(held, name="held")
app.add_typer(daily.extracts, name="extract")
app.add_typer(postcodes, name="postcodes")
app.add_typer(webhooks, name="webhook")
app.add_typer(hl7, name="hl7")
