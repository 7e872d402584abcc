"""The demo: two accounts whose passwords everyone knows, one of them with a year's mail, and a group of both.

Contract: its data folder is marked, so that nobody serves it to a network by mistake, and a folder with other
people's accounts is left alone.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from posthouse.app import terminal, worker
from posthouse.app.config import Config, ConfigError, Relay, is_loopback, parse_listen
from posthouse.app.intake import Incoming, Intake
from posthouse.app.listening import Door, Sockets, listen, opened
from posthouse.app.sample import messages
from posthouse.app.wiring import App
from posthouse.app.worker import open_app, url_of
from posthouse.directory.place import place_of
from posthouse.kit import clock
from posthouse.store.directory import INDIVIDUAL, Person

DEMO: Final = ("demo@example.org", "demo")
"""The user with the mailbox: name and password."""
FRIEND: Final = ("friend@example.org", "friend")
"""A second user, to write to and to share with."""
FAMILY: Final = "family@example.org"
"""The group that both are in."""

_MARK: Final = "demo"
_NOTE: Final = "sample"
_BATCH: Final = 100
_DOORS: Final[dict[Door, int]] = {"smtp": 2525, "submission": 2587}
"""Where mail comes in, on these ports or near them."""


def is_demo(folder: Path) -> bool:
    """Say whether a data folder holds the demo."""
    return (folder / _MARK).exists()


def run(config: Config, *, any_port: bool) -> None:
    """Make the demo if need be, and serve it until SIGINT or SIGTERM.

    any_port: take another port where the configured one is in use. Raises `ConfigError` and `OSError`.
    """
    host, port = config.address
    if not is_private(config):
        raise ConfigError(
            "everyone knows the demo's passwords, so it is for this machine only: "
            f"{' or '.join(filter(None, (config.listen, config.smtp, config.submission, config.submissions)))} is not"
        )
    config = msgspec.structs.replace(
        config, mail=msgspec.structs.replace(config.mail, verify=False), relay=Relay(outward=False)
    )
    with ExitStack() as stack:
        http = stack.enter_context(bind(host, port, any_port=any_port))
        sockets = stack.enter_context(opened(config, http))
        for door, near in _DOORS.items():
            if door not in sockets.mail:
                one = stack.enter_context(bind(host, near, any_port=True))
                sockets = replace(sockets, mail={**sockets.mail, door: one})
        _serve(config, sockets)


def _serve(config: Config, sockets: Sockets) -> None:
    _, port = config.address
    folder = Path(config.data)
    app = open_app(config)
    try:
        prepare(app, folder)
    finally:
        app.close()
    url = url_of(config, sockets.http)
    if port not in (0, sockets.http.getsockname()[1]):
        terminal.line(f"Port {port} is in use, so this one is elsewhere.")
    worker.run(config, sockets, lambda: _greet(url, sockets, folder), DEMO)


def is_private(config: Config) -> bool:
    """Say whether only this machine can reach what a configuration serves."""
    hosts = [config.address[0]]
    doors = [config.smtp, config.submission, config.submissions]
    hosts += [parse_listen(door)[0] for door in doors if door is not None]
    return not config.trusted_proxies and not config.mail.relays and all(map(is_loopback, hosts))


def bind(host: str, port: int, *, any_port: bool) -> socket.socket:
    """Listen on a port, or on one near it, or on any. Raises `ConfigError`."""
    if any_port:
        for near in range(port, port + 10):
            with suppress(ConfigError):
                return listen(host, near)
        port = 0
    return listen(host, port)


def _greet(url: str, sockets: Sockets, folder: Path) -> None:
    mail, submission = sockets.address("smtp"), sockets.address("submission")
    rows = [
        ("URL", url + "/"),
        ("Session", url + "/.well-known/jmap"),
        ("SMTP", mail),
        ("Submission", submission),
    ]
    rows += [("User", f"{name}  password: {password}") for name, password in (DEMO, FRIEND)]
    rows += [("Group", f"{FAMILY}, with both in it"), ("Data", str(folder))]
    terminal.card("Posthouse demo", rows)
    terminal.line(f"  curl -u {':'.join(DEMO)} {url}/.well-known/jmap")
    terminal.line(f"  swaks --server {mail} --to {DEMO[0]}")
    terminal.line(
        f"  swaks --server {submission} -au {FRIEND[0]} -ap {FRIEND[1]} --from {FRIEND[0]} --to {DEMO[0]}"
    )
    terminal.line("")
    terminal.line("Ready. Everyone knows these passwords, so only this machine is served. Ctrl-C ends it.")


def prepare(app: App, folder: Path, count: int = 400) -> None:
    """Make the demo's accounts and mail where they are not there yet; a password that was changed is set again.

    count: how many messages. Raises `ConfigError` for a folder with accounts of others.
    """
    known = {person.login for person in app.people.list()}
    if known and not is_demo(folder):
        raise ConfigError(
            f"{folder} holds accounts already: use posthouse serve, or another folder with --data DIR"
        )
    (folder / _MARK).touch()
    for name, password in (DEMO, FRIEND):
        if name not in known:
            app.people.add(name, password)
        elif asyncio.run(app.sign_in.basic(name, password, "127.0.0.1")) is None:
            app.people.set_password(name, password)  # which ends what was opened with the one before
    _found_family(app)
    asyncio.run(fill(app, app.people.find(DEMO[0]), count))


def _found_family(app: App) -> None:
    holder = app.people.search(FAMILY) or app.groups.add(FAMILY)
    if holder.type == INDIVIDUAL:
        return  # someone took the name for an account of his own
    lacking = {DEMO[0], FRIEND[0]} - {person.login for person in app.groups.members(FAMILY)}
    if lacking:
        app.groups.join(FAMILY, sorted(lacking))


async def fill(app: App, person: Person, count: int) -> None:
    """Put sample mail into an account, once; what was interrupted goes on."""
    place = place_of(person)
    note = await app.store.read(place, person.id, lambda txn: txn.note(_NOTE))
    if note is None:
        note = {"now": int(clock.now()), "done": False}
        await app.store.write(place, person.id, lambda txn: txn.put_note(_NOTE, note))
    if note["done"]:
        return
    intake = Intake(app.store, app.blobs, place, person.id)
    sample = messages(person.login, FRIEND[0], note["now"], count)
    while batch := list(islice(sample, _BATCH)):
        incoming = [Incoming((one.mailbox,), one.keywords, one.received_at, one.data) for one in batch]
        await intake.file(intake.keep(incoming))
    await app.store.write(place, person.id, lambda txn: txn.put_note(_NOTE, note | {"done": True}))
