"""The command line: what others script against.

Contract: results go to standard output; an error is one line on standard error that says what to do. A command
ends with 0 when it did what was asked, 1 when it failed, 2 when it was called wrongly, 3 when some of what was
asked could not be done. What a command needs is loaded when it runs, so that ``--help`` is quick.
May import: every room.
"""

from __future__ import annotations

import os
import sys

import click

from posthouse import __version__
from posthouse.app.cli.accounts import account
from posthouse.app.cli.addresses import alias, domain
from posthouse.app.cli.failure import Exit
from posthouse.app.cli.groups import group
from posthouse.app.cli.mail import export, import_
from posthouse.app.cli.queue import queue
from posthouse.app.cli.serving import demo, serve


def _show_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the version, and that of each package that brings a capability; then end."""
    if not wanted:
        return
    from posthouse.app import plugins

    click.echo(f"posthouse {__version__}")
    for package, version in plugins.installed():
        click.echo(f"{package} {version}")
    context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version.",
)
def posthouse() -> None:
    """A complete JMAP server: mail behind one JSON API."""


for _command in (demo, serve, account, group, alias, domain, queue, import_, export):
    posthouse.add_command(_command)


def main() -> None:
    """Run the command line of this process and end with its exit code."""
    sys.exit(_run())


def _run() -> int:
    try:
        code = posthouse.main(prog_name="posthouse", standalone_mode=False)
        return code if isinstance(code, int) else Exit.DONE
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.MISUSED
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "posthouse"
        problem = error.format_message()
        stop = "" if problem.endswith((".", "?")) else "."
        print(f"{command}: {problem}{stop} See {command} --help.", file=sys.stderr)
        return Exit.MISUSED
    except click.ClickException as error:
        print(f"posthouse: {error.format_message()}", file=sys.stderr)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print("posthouse: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output wants no more of it; nor must the interpreter try to write the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
