"""Job: work that waits until it is due, written down in the transaction that makes it (DESIGN D10)."""

from __future__ import annotations

from typing import Final, NamedTuple

from posthouse.kit.json import JsonObject

NEVER: Final = 2**53 - 1
"""When a job is due that waits until somebody says otherwise."""


class Job(NamedTuple):
    """One job, as it was when it was read.

    id: never used again where it lies. account: whose it is. kind: names who does it. about: what it is about, as its
    kind says; 0: nothing. due: the Unix second from which it may be claimed. lease: up to when somebody has it; 0:
    nobody does. tries: how often it was claimed. payload: what its kind needs to know.
    """

    id: int
    account: int
    kind: str
    about: int
    due: int
    lease: int
    tries: int
    payload: JsonObject
