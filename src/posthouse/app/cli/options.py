"""Options that commands share, and the configuration that they make."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from posthouse.app.config import Config, load

F = TypeVar("F", bound=Callable[..., None])

listen = click.option("--listen", metavar="HOST:PORT", help="Where to listen; by default 127.0.0.1:8080.")

smtp = click.option("--smtp", metavar="HOST:PORT", help="Where mail from other hosts comes in, by SMTP.")
lmtp = click.option(
    "--lmtp", metavar="HOST:PORT|unix:PATH", help="Where another MTA hands over mail, by LMTP."
)
submission = click.option(
    "--submission", metavar="HOST:PORT", help="Where users' mail programs send, with STARTTLS."
)
submissions = click.option(
    "--submissions", metavar="HOST:PORT", help="Where users' mail programs send, with TLS from the start."
)

_PLACES = (
    click.option("--config", metavar="FILE", envvar="POSTHOUSE_CONFIG", help="Configuration file (TOML)."),
    click.option("--data", metavar="DIR", help="Data folder; by default ./posthouse-data."),
    click.option("--store", metavar="URL", help="Where rows are kept; by default SQLite in the data folder."),
    click.option("--blobs", metavar="URL", help="Where bytes are kept; by default files in the data folder."),
)


def places(command: F) -> F:
    """Give a command the options that say which Posthouse it works on, for `configuration`."""
    for option in reversed(_PLACES):
        command = option(command)
    return command


def configuration(**flags: str | int | None) -> Config:
    """Read the configuration of a command from its file, the environment and its flags.

    Raises `ConfigError`.
    """
    file = flags.pop("config")
    return load(None if file is None else Path(str(file)), os.environ, flags)
