"""Removal: an account goes with all that is in it, once the operator has said that he means it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Literal

import click

from posthouse.app.cli import options
from posthouse.app.cli.failure import Failure, as_failures


def remove(whose: Literal["people", "groups"], name: str, yes: bool, flags: Mapping[str, str | None]) -> None:
    """Remove a person or a group, after a question if somebody is there to answer it; flags: where the data is."""
    with as_failures():
        import asyncio

        from posthouse.app.worker import open_app
        from posthouse.directory.place import place_of

        with closing(open_app(options.configuration(**flags))) as app:
            among = app.people if whose == "people" else app.groups
            among.find(name)
            question = f"Remove {name} with all its mail and contacts? This cannot be undone."
            if not yes and sys.stdin.isatty() and not click.confirm(question):
                raise Failure(f"{name} was not removed")
            asyncio.run(app.store.erase(place_of(among.remove(name))))
        click.echo(f"removed {name}")
