"""``posthouse alias`` and ``posthouse domain``: which addresses lead to which account."""

from __future__ import annotations

from contextlib import closing

import click

from posthouse.app.cli import options
from posthouse.app.cli.failure import as_failures


@click.group()
def alias() -> None:
    """Give accounts further addresses, and take them away."""


@alias.command()
@click.argument("alias")
@click.argument("name")
@options.places
def add(alias: str, name: str, **flags: str | None) -> None:
    """Let mail to ALIAS go to the account of the person or the group NAME, who can also send from it."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            app.aliases.add(alias, name)
        click.echo(f"added {alias}")


@alias.command("list")
@click.argument("name", required=False)
@options.places
def list_(name: str | None, **flags: str | None) -> None:
    """List the aliases, or those of NAME: each with the account that it leads to, one a line."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            for one in app.aliases.list(name):
                click.echo(f"{one.address}\t{one.login}")


@alias.command()
@click.argument("alias")
@options.places
def remove(alias: str, **flags: str | None) -> None:
    """Take an alias away: mail to it is refused from now on, and nobody can send from it."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            holder = app.aliases.remove(alias)
        click.echo(f"removed {alias}, which led to {holder.login}")


@click.group()
def domain() -> None:
    """See the domains that mail is taken for, and who has what else is sent to them."""


@domain.command("list")
@options.places
def list_domains(**flags: str | None) -> None:
    """List the domains, one a line; after a tab the account that has what is sent to unknown addresses."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            for one in app.aliases.domains():
                click.echo(one.name if one.catch_all is None else f"{one.name}\t{one.catch_all}")


@domain.command("catch-all")
@click.argument("domain")
@click.argument("name", required=False)
@click.option("--none", is_flag=True, help="Refuse such mail again.")
@options.places
def catch_all(domain: str, name: str | None, none: bool, **flags: str | None) -> None:
    """Let NAME have what is sent to addresses of DOMAIN that nobody has; --none refuses such mail again."""
    if (name is None) is not none:
        raise click.UsageError("Name an account, or give --none.", click.get_current_context())
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            app.aliases.set_catch_all(domain, name)
        whose = "refused" if name is None else f"for {name}"
        click.echo(f"what is sent to unknown addresses of {domain} is {whose}")
