"""Brings the database to the shape this release needs, as the owner role, one process at a time.

Called by `nightlight migrate`, `serve` and the tests. Raises WrongKindOfStore where a store of the other kind is there.
"""

from importlib import resources
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import create_engine, text

from domain.errors import NightlightError

_LOCK = 7_203_115_044  # any number, the same in every release: two migrations never run at once
SERVICE_ROLE = "nightlight_service"


class WrongKindOfStore(NightlightError):
    """A test store was asked to be a production store, or the other way round."""


def migrate(owner_url: str, service_role: str = SERVICE_ROLE, *, production: bool = False) -> str:
    """Walk all steps, grant the service role its rights, and say which revision stands.

    A new store gets its kind here, once. Raises psycopg.Error or sqlalchemy errors where the server refuses.
    """
    engine = create_engine(sqlalchemy_url(owner_url), hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})  # held until the connection closes
            connection.commit()
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            with psycopg.connect(owner_url) as owner:
                _grant(owner, service_role)
                _settle_kind(owner, production)
    finally:
        engine.dispose()
    return newest_revision()


def newest_revision() -> str:
    """The revision that this release's code needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def sqlalchemy_url(url: str) -> str:
    """The same server for SQLAlchemy, with psycopg 3 named as the driver."""
    for scheme in ("postgresql://", "postgres://"):
        url = url.replace(scheme, "postgresql+psycopg://", 1)
    return url


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_folder()))
    return config


def _folder() -> Path:
    return Path(str(resources.files("migrations")))


def _grant(owner: psycopg.Connection[tuple[object, ...]], service_role: str) -> None:
    grants = (_folder() / "grants.sql").read_text(encoding="utf-8")
    name = sql.Identifier(service_role).as_string(owner)
    owner.execute(grants.replace("'{service}'", sql.Literal(service_role).as_string(owner)).replace("{service}", name).encode())


def _settle_kind(owner: psycopg.Connection[tuple[object, ...]], production: bool) -> None:
    kind = "production" if production else "test"
    owner.execute("INSERT INTO store (kind) VALUES (%s) ON CONFLICT DO NOTHING", (kind,))
    row = owner.execute("SELECT kind FROM store").fetchone()
    if production and row != ("production",):
        raise WrongKindOfStore("this is a test store; a production store is made new, in an empty database")
