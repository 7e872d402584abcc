"""``posthouse account``: who may sign in, and with what."""

from __future__ import annotations

import secrets
import sys
from contextlib import closing

import click

from posthouse.app.cli import options, removal
from posthouse.app.cli.failure import Failure, as_failures

_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)


@click.group()
def account() -> None:
    """Add, list and remove accounts, and change what lets their people in."""


@account.command()
@click.argument("name")
@_password_stdin
@options.places
def add(name: str, password_stdin: bool, **flags: str | None) -> None:
    """Add an account; NAME is its email address, which is also its login.

    The password is asked for on a terminal, read from standard input with --password-stdin, and else made up
    and printed.
    """
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            password, is_new = _password(name, password_stdin)
            app.people.add(name, password)
        _tell(f"added {name}", password if is_new else None)


@account.command("list")
@options.places
def list_(**flags: str | None) -> None:
    """List the accounts, one a line."""
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            for person in app.people.list():
                click.echo(person.login)


@account.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@options.places
def remove(name: str, yes: bool, **flags: str | None) -> None:
    """Remove an account with all that is in it."""
    removal.remove("people", name, yes, flags)


@account.command()
@click.argument("name")
@_password_stdin
@options.places
def password(name: str, password_stdin: bool, **flags: str | None) -> None:
    """Change the password of an account; the old one is refused at once.

    It is asked for, read or made up as for a new account.
    """
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            app.people.find(name)
            new, is_new = _password(name, password_stdin)
            app.people.set_password(name, new)
        _tell(f"changed the password of {name}", new if is_new else None)


@account.command()
@click.argument("name")
@click.option("--label", default="", metavar="L", help="What it is for, for your own memory.")
@click.option("--expires", default="never", metavar="WHEN", help="90d, a date such as 2030-12-31, or never.")
@click.option("--list", "list_them", is_flag=True, help="List the tokens there are instead.")
@click.option("--revoke", type=int, metavar="N", help="Take back the token of this number instead.")
@options.places
def token(
    name: str, label: str, expires: str, list_them: bool, revoke: int | None, **flags: str | None
) -> None:
    """Print a new app password, which is also a bearer token; it is shown this once.

    Expired or not, tokens are listed with --list and taken back with --revoke.
    """
    with as_failures():
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            if list_them:
                for kept in app.tokens.list(name):
                    end = "never" if kept.expires is None else _date(kept.expires)
                    click.echo(f"{kept.id}\tmade {_date(kept.created)}\texpires {end}\t{kept.label}")
            elif revoke is not None:
                app.tokens.revoke(name, revoke)
                click.echo(f"revoked token {revoke} of {name}")
            else:
                text, _ = app.tokens.issue(name, label, _moment(expires))
                click.echo(text)


def _password(name: str, from_stdin: bool) -> tuple[str, bool]:
    """Give a password, and whether it was made up here."""
    if from_stdin:
        try:
            line = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise Failure("the password on standard input is no UTF-8") from None
        if not line:
            raise Failure("standard input has no password: write it there, as one line")
        return line, False
    if sys.stdin.isatty():
        text: str = click.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True, err=True)
        return text, False
    return secrets.token_urlsafe(15), True


def _tell(what: str, password: str | None) -> None:
    click.echo(what if password is None else f"{what}, password: {password}")


def _moment(text: str) -> int | None:
    """Read when a token expires, in Unix seconds; None stands for never."""
    from datetime import UTC, datetime, timedelta

    if text == "never":
        return None
    now = datetime.now(UTC)
    try:
        if text.endswith("d") and text[:-1].isdecimal():
            return int((now + timedelta(days=int(text[:-1]))).timestamp())
        moment = datetime.fromisoformat(text)
    except (OverflowError, ValueError):
        raise Failure(f"--expires: {text!r} is not like 90d, 2030-12-31 or never") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _date(seconds: int) -> str:
    from posthouse.kit import clock

    return clock.utc_date(seconds)
