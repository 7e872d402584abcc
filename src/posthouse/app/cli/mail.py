"""``posthouse import`` and ``posthouse export``: mail and contacts in and out."""

from __future__ import annotations

from contextlib import closing

import click

from posthouse.app.cli import options
from posthouse.app.cli.failure import Exit, as_failures


@click.command("import")
@click.argument("account")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@options.places
@click.pass_context
def import_(context: click.Context, /, account: str, paths: tuple[str, ...], **flags: str | None) -> None:
    """Take mail and contacts into ACCOUNT: mbox, Maildir, .eml, .vcf, and zip or tar of these.

    Run it again and nothing is doubled; what is there already is told. The server may run meanwhile. Ends
    with 3 if something was skipped.
    """
    with as_failures():
        from posthouse.app import importer
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            report = importer.run(app, account, paths)
    context.exit(Exit.DONE if report.is_whole else Exit.PARTLY)


@click.command()
@click.argument("account")
@click.argument("directory", metavar="DIR")
@click.option(
    "--format", "form", type=click.Choice(["maildir", "mbox"]), default="maildir", show_default=True
)
@options.places
def export(account: str, directory: str, form: str, **flags: str | None) -> None:
    """Write all mail and contacts of ACCOUNT into DIR, a new directory."""
    with as_failures():
        from posthouse.app import exporter
        from posthouse.app.worker import open_app

        with closing(open_app(options.configuration(**flags))) as app:
            written = exporter.run(app, account, directory, form)
        cards = f" and {written.cards} cards" if written.cards else ""
        click.echo(f"exported {written.messages} messages{cards} to {directory}")
