"""``posthouse group``: who stands together for one address, and shares an account."""

from __future__ import annotations

from contextlib import closing

import click

from posthouse.app.cli import options, removal
from posthouse.app.cli.failure import as_failures


@click.group()
def group() -> None:
    """Add, list and remove groups, and say who is in them."""


@group.command()
@click.argument("name")
@click.option(
    "--type",
    type=click.Choice(["group", "resource", "location", "other"]),
    default="group",
    show_default=True,
    help="What it is.",
)
@options.places
def add(name: str, type: str, **flags: str | None) -> None:
    """Add a group with an account of its own; NAME is its email address.

    Nobody signs in as a group: whoever joins it finds its account beside his own.
    """
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            app.groups.add(name, type)
        click.echo(f"added {name}")


@group.command("list")
@click.argument("name", required=False)
@options.places
def list_(name: str | None, **flags: str | None) -> None:
    """List the groups, or who is in the one called NAME, one a line."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            for one in app.groups.list() if name is None else app.groups.members(name):
                click.echo(one.login)


@group.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@options.places
def remove(name: str, yes: bool, **flags: str | None) -> None:
    """Remove a group with all that is in its account; its members stay."""
    removal.remove("groups", name, yes, flags)


@group.command()
@click.argument("name")
@click.argument("members", nargs=-1, required=True, metavar="MEMBER...")
@options.places
def join(name: str, members: tuple[str, ...], **flags: str | None) -> None:
    """Put people into a group of their domain; clients that are signed in see its account at once."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            app.groups.join(name, members)
        for member in members:
            click.echo(f"{member} is in {name}")


@group.command()
@click.argument("name")
@click.argument("members", nargs=-1, required=True, metavar="MEMBER...")
@options.places
def leave(name: str, members: tuple[str, ...], **flags: str | None) -> None:
    """Take people out of a group; they lose its account, and what was shared with it, at once."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            app.groups.leave(name, members)
        for member in members:
            click.echo(f"{member} is not in {name}")
