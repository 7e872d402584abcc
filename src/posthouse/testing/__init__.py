"""A real Posthouse for tests of JMAP clients, and of Posthouse itself.

Contract: `Server` starts in under a second on a free loopback port with users and sample mail, and leaves
nothing behind; the pytest fixture `posthouse_server` is one for a whole session. Importing this costs nothing:
the server is loaded when one is started.
May import: every room.
"""

from posthouse.testing.server import Server, User

__all__ = ["Server", "User"]
