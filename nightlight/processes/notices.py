"""The loader's part that tells authorities and the operator by e-mail: what is due is written down, and sent until it is taken."""

import asyncio

import psycopg

from domain.errors import CouldNotReachStore
from nightlight.processes.common import log
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.notices import Post, record_due, send_next

LOOK_SECONDS = 15.0


async def keep_noticing(database: Database, settings: Settings, seconds: float = LOOK_SECONDS) -> None:
    """Tell what is due, for ever. Never ends the process for what will pass. Raises ValueError where a setting does not fit."""
    post = Post.of(settings.smtp_url.get_secret_value(), settings.mail_from, settings.operator_email, settings.link)
    while True:
        try:
            await record_due(database, operator=bool(post.operator))
            while await send_next(database, post):
                pass
        except (CouldNotReachStore, psycopg.Error) as error:
            log.warning("notices failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        await asyncio.sleep(seconds)
