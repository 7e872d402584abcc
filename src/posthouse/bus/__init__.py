"""Announcements between the processes of one machine, without a broker and without polling.

Contract: whoever listens hears each announcement at least once, or hears `Missed`, upon which he looks at the
store; nothing is lost silently. A reader that is slow, stopped or dead neither delays a publisher nor makes it
grow. Announcing is no promise of its own: the truth is in the store, a newcomer reads it there and needs no
history. So open the bus before the first commit of a process, and listen before reading what is to be kept up
to date.

`port` is the face, which PostgreSQL's NOTIFY or NATS can have as well; `local` carries news inside one
process, `sockets` between the processes that share a folder. There `seat` is how they find each other, `peer`
one of the others, `frame` what is sent and `backlog` what waits for a slow one.

May import: model, proto, kit.
"""

from __future__ import annotations

from pathlib import Path

from posthouse.bus.local import LocalBus
from posthouse.bus.port import Bus, Listener, Missed, Moved, News, Reached, SignedOut, Subscribed
from posthouse.bus.sockets import SocketBus

__all__ = ["Bus", "Listener", "Missed", "Moved", "News", "Reached", "SignedOut", "Subscribed", "open_bus"]


def open_bus(url_or_path: str) -> Bus:
    """Join the bus at ``sockets:FOLDER`` or at a plain path, made if absent; ``local:`` is one for this process.

    Raises `ValueError` for a scheme that this build does not have, `OSError` where the folder cannot be used.
    """
    scheme, colon, rest = url_or_path.partition(":")
    if not colon or "/" in scheme:
        return SocketBus(Path(url_or_path))
    if scheme == "local" and not rest:
        return LocalBus()
    if scheme == "sockets" and rest:
        return SocketBus(Path(rest))
    raise ValueError(f"{url_or_path!r} names no bus: use sockets:FOLDER, a path, or local:")
