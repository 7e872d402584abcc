"""Server: a whole Posthouse in a thread of this process, on a temporary data folder."""

from __future__ import annotations


class User:
    pass


class Server:
    pass
