"""State strings: the newest number that any object of a type has drawn (RFC 8620 §5.1, DESIGN D4)."""

from __future__ import annotations

from posthouse.model.caller import read_state, write_state
from posthouse.model.ports import Txn
from posthouse.model.type import Type
from posthouse.proto.jmap.errors import MethodError


def current(txn: Txn, type: Type) -> str:
    """Give a type's state in this snapshot."""
    return write_state(txn.state(type), txn.through is not None)


def since(txn: Txn, type: Type, text: str) -> int:
    """Read a state that a client gives back.

    Raises MethodError ``cannotCalculateChanges`` for one that was never given out or is too old.
    """
    number = read_state(text, txn.through is not None)
    if number is None or number > txn.state(type):
        raise MethodError("cannotCalculateChanges", "the state is none that this server gave out")
    if number < txn.floor(type):
        raise MethodError("cannotCalculateChanges", "the state is too old")
    return number


def demand(txn: Txn, type: Type, text: str | None, name: str = "ifInState") -> None:
    """Refuse with ``stateMismatch`` unless the type is in the named state; None asks for nothing."""
    if text is not None and text != current(txn, type):
        raise MethodError("stateMismatch", f"{name} is not the current state")
