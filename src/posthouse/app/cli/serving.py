"""``posthouse demo`` and ``posthouse serve``."""

from __future__ import annotations

import click

from posthouse.app.cli import options
from posthouse.app.cli.failure import as_failures


@click.command()
@options.listen
@options.smtp
@options.lmtp
@options.submission
@options.submissions
@options.places
def demo(**flags: str | None) -> None:
    """Serve a sample mailbox on this machine.

    Makes two users and a few hundred messages in the data folder if it is new, prints how to reach them and
    how to send mail to them and from them by SMTP, and serves until Ctrl-C.
    """
    with as_failures():
        from posthouse.app import demo

        demo.run(options.configuration(**flags), any_port=flags["listen"] is None)


@click.command()
@options.listen
@options.smtp
@options.lmtp
@options.submission
@options.submissions
@click.option("--workers", type=int, metavar="N", help="Processes that serve; 0 is one for each core.")
@options.places
def serve(**flags: str | int | None) -> None:
    """Serve the accounts of a data folder.

    Plain HTTP is for this machine only, or for a proxy named in the configuration that has TLS itself.
    """
    with as_failures():
        from posthouse.app import supervisor

        supervisor.serve(options.configuration(**flags))
