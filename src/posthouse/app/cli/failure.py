"""Failures: every error that an operator can meet, as one line on standard error and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    MISUSED = 2
    PARTLY = 3
    """Some of what was asked could not be done; the report says what."""
    INTERRUPTED = 130


class Failure(click.ClickException):
    """A command cannot do what was asked; the message is one line that says what to do."""

    exit_code = Exit.FAILED


@contextmanager
def as_failures() -> Iterator[None]:
    """Turn the errors of the rooms below, which are one line each, into `Failure`."""
    from posthouse.app.archive import ArchiveError
    from posthouse.app.config import ConfigError
    from posthouse.app.queue import QueueError
    from posthouse.app.sources import SourceError
    from posthouse.directory.error import DirectoryError
    from posthouse.store.tables import WrongSchema

    try:
        yield
    except (ArchiveError, ConfigError, DirectoryError, QueueError, WrongSchema, SourceError) as error:
        raise Failure(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{where}{error.strerror or error}") from error
