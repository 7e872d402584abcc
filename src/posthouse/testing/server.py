"""Server: a whole Posthouse in a thread of this process, on a temporary data folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from posthouse.testing.client import Jmap


class Running(Protocol):
    """What runs behind a `Server`; it is loaded only when that starts."""

    def add_account(self, name: str, password: str) -> str:
        """Add a person with an account, and give a token for it."""
        ...

    def add_group(self, name: str, members: Sequence[str]) -> None:
        """Add a group with members."""
        ...

    def leave_group(self, name: str, members: Sequence[str]) -> None:
        """Take members out of a group."""
        ...


@dataclass(frozen=True, slots=True)
class User:
    """Who can sign in: by name and password, or with a token as a password or a bearer token."""

    name: str
    password: str
    token: str


class Server:
    """A real server on a free loopback port, from ``with`` on till its end; nothing of it stays.

    Its users are ``demo@example.org`` and ``friend@example.org``, and those that `add_account` adds.
    messages: how much sample mail the demo user has. tls: serve HTTPS; `ca` is then the path of the
    certificate that clients must trust, and the package ``cryptography`` is needed. push_ca: the path of a
    certificate; push subscriptions may then lead to HTTPS servers on loopback addresses that it vouches for.
    """

    def __init__(self, *, messages: int = 50, tls: bool = False, push_ca: str | None = None) -> None:
        self._messages = messages
        self._tls = tls
        self._push_ca = push_ca
        self._stack = ExitStack()
        self._run: Running | None = None
        self.users: dict[str, User] = {}
        self.url: str = ""
        self.ca: str | None = None

    @property
    def session_url(self) -> str:
        """The URL of the Session object (RFC 8620 §2.2)."""
        return self.url + "/.well-known/jmap"

    def __enter__(self) -> Server:
        # The server itself is loaded only now: the plugin loads this module wherever pytest starts.
        from posthouse.testing.running import running

        with ExitStack() as stack:
            run = stack.enter_context(running(self._tls, self._push_ca))
            self.url, self.ca, self._run = run.url, run.ca, run
            for name in ("demo@example.org", "friend@example.org"):
                self.add_account(name)
            run.fill("demo@example.org", self._messages)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add_account(self, name: str, password: str = "secret") -> User:
        """Add a user with an account of his own, as it is at birth; he can sign in at once."""
        assert self._run is not None, "the server is not running"
        user = self.users[name] = User(name, password, self._run.add_account(name, password))
        return user

    def add_group(self, name: str, *members: str) -> None:
        """Add a group, with an account that is open to its members and with which others can share."""
        assert self._run is not None, "the server is not running"
        self._run.add_group(name, members)

    def leave_group(self, name: str, *members: str) -> None:
        """Take members out of a group."""
        assert self._run is not None, "the server is not running"
        self._run.leave_group(name, members)

    def client(self, name: str = "demo@example.org") -> Jmap:
        """Give a client for a user; its connection is closed with the server."""
        client = Jmap(self.url, name, self.users[name].password, self.ca)
        self._stack.callback(client.close)
        return client
