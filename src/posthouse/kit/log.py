"""Logs: one event a line, named ``room.verb``, without personal content."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from pathlib import Path
from traceback import extract_tb
from typing import cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

_request: ContextVar[str | None] = ContextVar("request", default=None)


def get(name: str) -> FilteringBoundLogger:
    """Return the logger of a room; lines are plain until `configure` says otherwise."""
    if not structlog.is_configured():
        configure()
    return cast(FilteringBoundLogger, structlog.get_logger(name))


def name_request(id: str) -> None:
    """Put the id of the request at hand into each line that its task logs from now on."""
    _request.set(id)


def request_name() -> str | None:
    """Return the id of the request at hand, if there is one."""
    return _request.get()


def add_request(logger: object, method: str, line: EventDict) -> EventDict:
    """Add the id of the request at hand to a log line; a processor of structlog."""
    id = _request.get()
    return line if id is None else {"request": id, **line}


def fault(error: BaseException) -> dict[str, object]:
    """Describe an unexpected error by its kind and the places it came by.

    Its message is left out: it may quote what a client sent or stored.
    """
    places = [f"{Path(at.filename).name}:{at.lineno} {at.name}" for at in extract_tb(error.__traceback__)]
    return {"error": type(error).__name__, "trace": places}


def configure(*, level: str = "info", lines_as_json: bool = False) -> None:
    """Send log lines to standard error from this level up (``debug`` to ``error``)."""
    structlog.configure(
        processors=[
            add_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer()
            if lines_as_json
            else structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
