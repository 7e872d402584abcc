"""``posthouse queue``: what waits to be sent, and what is to become of it."""

from __future__ import annotations

from contextlib import closing

import click

from posthouse.app.cli import options
from posthouse.app.cli.failure import as_failures

_letters = click.argument("letters", nargs=-1, required=True, metavar="LETTER...")


@click.group()
def queue() -> None:
    """Show what waits to be sent, send it at once, hold it or take it out."""


@queue.command("list")
@options.places
def list_(**flags: str | None) -> None:
    """List the letters in the queue, those that are due first, one a line.

    Each line has its name, what it waits for, its sender, who is still to get it, and the last reply.
    """
    with as_failures():
        from posthouse.app.queue import Queue, when
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            for entry in Queue(app).list():
                waiting = entry.letter.waiting
                to = ",".join(one.email for one in waiting[:3]) + (",..." if len(waiting) > 3 else "")
                reply = waiting[0].reply if waiting else ""
                click.echo("\t".join([entry.key, when(entry), entry.letter.mail_from or "<>", to, reply]))


@queue.command()
@click.argument("letter")
@options.places
def show(letter: str, **flags: str | None) -> None:
    """Show how far a letter is with each of its recipients."""
    with as_failures():
        from posthouse.app.queue import Queue, lines
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            for line in lines(Queue(app).find(letter)):
                click.echo(line)


@queue.command()
@_letters
@options.places
def retry(letters: tuple[str, ...], **flags: str | None) -> None:
    """Send letters now, whatever they wait for; those that are held as well."""
    with as_failures():
        from posthouse.app.queue import Queue
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            Queue(app).retry(letters)
        for letter in letters:
            click.echo(f"letter {letter} is due now")


@queue.command()
@_letters
@options.places
def hold(letters: tuple[str, ...], **flags: str | None) -> None:
    """Keep letters in the queue until they are retried."""
    with as_failures():
        from posthouse.app.queue import Queue
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            Queue(app).hold(letters)
        for letter in letters:
            click.echo(f"letter {letter} is held")


@queue.command()
@_letters
@options.places
def cancel(letters: tuple[str, ...], **flags: str | None) -> None:
    """Take letters out of the queue; who has not got them never will.

    The sender's client shows that they were not delivered; no message tells of it.
    """
    with as_failures():
        from posthouse.app.queue import Queue
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            Queue(app).cancel(letters)
        for letter in letters:
            click.echo(f"letter {letter} is removed")
