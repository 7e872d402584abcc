"""Capability: one JMAP extension, as a list of types and methods under a URI (RFC 8620 §2, DESIGN D9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.kind import Kind
from posthouse.model.ports import Calling, Txn
from posthouse.model.type import Type

ReadMethod: TypeAlias = Callable[[Calling, Txn, JsonObject], JsonObject]
WriteMethod: TypeAlias = Callable[[Calling, JsonObject], Awaitable[JsonObject]]
Describe: TypeAlias = Callable[[Limits], JsonObject]
DescribeAccount: TypeAlias = Callable[[Limits, Caller, Access], JsonObject | None]
Locate: TypeAlias = Callable[[str], JsonObject]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of a method of a capability's own: a required one has no default."""

    kind: Kind
    required: bool = False
    default: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A verb of a capability's own, beside the standard ones of its types.

    parameters: its arguments beside ``accountId``; None: it works on no account and takes anything.
    reads: a function of the call, a snapshot and the arguments. writes: a coroutine function of the call and
    the arguments. Just one of the two is given.
    """

    name: str
    parameters: Mapping[str, Parameter] | None
    reads: ReadMethod | None = None
    writes: WriteMethod | None = None


def _nothing(limits: Limits) -> JsonObject:
    return {}


def _nothing_there(limits: Limits, caller: Caller, access: Access) -> JsonObject:
    return {}


class Capability:
    """One JMAP extension.

    uri: its identifier. types: the data types it brings. server: makes the object that the session shows under
    ``capabilities``; None: it is not shown there. per_account: makes the one under an account's
    ``accountCapabilities``, as one caller has the account; it gives None where the capability has nothing, as
    the engine does for an account in which no object of its types is open to the caller. per_account None: the
    capability has no methods that work on accounts. at: makes what the first of the two objects has besides for
    a client who reaches ``/`` at a URL, which is given without a slash at its end.
    """

    def __init__(
        self,
        uri: str,
        *,
        types: Sequence[Type] = (),
        server: Describe | None = _nothing,
        per_account: DescribeAccount | None = _nothing_there,
        at: Locate | None = None,
    ) -> None:
        self.uri = uri
        self.types: tuple[Type, ...] = tuple(types)
        self.server = server
        self.per_account = per_account
        self.at = at
        self.methods: dict[str, Method] = {}

    def in_account(self, limits: Limits, caller: Caller, access: Access) -> JsonObject | None:
        """Make the object of an account's ``accountCapabilities``; None if the capability has nothing there."""
        if self.per_account is None:
            return None
        if (
            access.kinds is not None
            and access.kinds.isdisjoint(type.name for type in self.types)
            and self.types
        ):
            return None
        return self.per_account(limits, caller, access)

    def reads(self, name: str, **parameters: Parameter) -> Callable[[ReadMethod], ReadMethod]:
        """Register a method that only reads one account."""

        def register(run: ReadMethod) -> ReadMethod:
            self.methods[name] = Method(name, parameters, reads=run)
            return run

        return register

    def writes(self, name: str, **parameters: Parameter) -> Callable[[WriteMethod], WriteMethod]:
        """Register a method that changes an account or has to wait."""

        def register(run: WriteMethod) -> WriteMethod:
            self.methods[name] = Method(name, parameters, writes=run)
            return run

        return register

    def answers(self, name: str) -> Callable[[WriteMethod], WriteMethod]:
        """Register a method that works on no account and takes any arguments."""

        def register(run: WriteMethod) -> WriteMethod:
            self.methods[name] = Method(name, None, writes=run)
            return run

        return register
