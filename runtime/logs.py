"""Logs: one JSON line an event on standard error, and only keys from the list below, so that no patient can slip in.

Every process calls `configure` once. What a library logs comes through by logger name and level alone:
drivers print values in their messages.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_ALLOWED = """
    event level timestamp process instance site authority encounter alert delivery extract channel sqlstate error route status
    count records seconds peer outcome code state port host attempt action logger signal child connected late client version
    path line kind reason batch pending
"""
ALLOWED_KEYS = frozenset(_ALLOWED.split())


def configure(level: str = "INFO", process: str = "nightlight") -> None:
    """Set up structlog and the standard library's logging for this process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, handlers=[_Terse()], force=True)


def get_logger() -> Any:
    """A logger: `log.info("alert raised", alert=…)`. The event is a constant sentence, never built from data."""
    return structlog.get_logger()


def _keep_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if key in ALLOWED_KEYS}


class _Terse(logging.Handler):
    """Passes on that a library spoke, and what kind of error it met, never what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        structlog.get_logger().log(record.levelno, "library message", logger=record.name, error=error)
