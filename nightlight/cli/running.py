"""Commands that run the service, or one process of it."""

from typing import Annotated

import typer

from domain.errors import InvalidInput
from nightlight.cli.console import DataFolder, out, settings_of_store
from nightlight.supervisor import serve as serve_all
from runtime.logs import configure
from runtime.migrate import migrate as migrate_store
from runtime.settings import Settings, load_settings

Http = Annotated[
    str | None,
    typer.Option(
        "--http",
        metavar="HOST:PORT",
        help="Pages and FHIR API (NIGHTLIGHT_HTTP); port 0 takes a free one.",
        show_default="127.0.0.1:8000",
    ),
]
Mllp = Annotated[
    str | None,
    typer.Option(
        "--mllp",
        metavar="HOST:PORT",
        help="HL7 v2 listener (NIGHTLIGHT_MLLP); port 0 takes a free one.",
        show_default="127.0.0.1:2575",
    ),
]


def serve(
    http: Http = None,
    mllp: Mllp = None,
    data: DataFolder = None,
    production: Annotated[
        bool, typer.Option("--production", help="A new store becomes a production store: real people, no demo.")
    ] = False,
) -> None:
    """Run the whole service: all of its processes, with embedded PostgreSQL and Valkey unless their URLs are set.

    Starts with an empty **test** store. Once ready it writes `ports.json` into the data folder; Ctrl-C stops everything.
    """
    settings = load_settings(http=http, mllp=mllp, data_dir=data, production=production or None)
    configure(settings.log_level, "serve")
    serve_all(settings)


def demo(http: Http = None, mllp: Mllp = None, data: DataFolder = None) -> None:
    """Run the whole service with invented authorities, sites, children and people, and show what happens.

    Every start registers one flagged child, so every start raises an alert. `make run` calls this.
    """
    from nightlight.demo import run_demo

    settings = load_settings(http=http, mllp=mllp, data_dir=data)
    configure("WARNING" if settings.log_level == "INFO" else settings.log_level, "demo")
    run_demo(settings)


def api(data: DataFolder = None) -> None:
    """Run only the pages and the FHIR API, against the database and Valkey that the settings name."""
    from nightlight.processes.api import run_api

    run_api(settings_of_store(data))


def listener(data: DataFolder = None) -> None:
    """Run only the HL7 v2 listener."""
    from nightlight.processes.listener import run_listener

    run_listener(settings_of_store(data))


def dispatcher(data: DataFolder = None) -> None:
    """Run only the alert dispatcher, with its sweep for late alerts and its housekeeping."""
    from nightlight.processes.dispatcher import run_dispatcher

    run_dispatcher(settings_of_store(data))


def loader(data: DataFolder = None) -> None:
    """Run only the loader of authorities' extracts."""
    from nightlight.processes.loader import run_loader

    run_loader(settings_of_store(data))


def migrate(
    data: DataFolder = None,
    production: Annotated[bool, typer.Option("--production", help="A new store becomes a production store.")] = False,
) -> None:
    """Bring the database to the shape of this release, as the owner role, and grant the service role its rights."""
    settings = settings_of_store(data)
    revision = migrate_store(_owner_url(settings), _service_role(settings), production=production or settings.production)
    out.print(f"The database stands at revision {revision}.")


def _owner_url(settings: Settings) -> str:
    url = settings.owner_database_url.get_secret_value()
    if not url:
        raise InvalidInput("set NIGHTLIGHT_OWNER_DATABASE_URL: migrations run as the owner role")
    return url


def _service_role(settings: Settings) -> str:
    import psycopg

    user = psycopg.conninfo.conninfo_to_dict(settings.database_url.get_secret_value()).get("user")
    return str(user) if user else "nightlight_service"
