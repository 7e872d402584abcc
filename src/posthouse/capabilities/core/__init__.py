"""The core capability: Core/echo, Blob/copy and PushSubscription (RFC 8620 §4, §6.3, §7.2)."""

from __future__ import annotations

from posthouse.capabilities.core import subscription
from posthouse.capabilities.core.blob import copy
from posthouse.engine.session import core
from posthouse.kit.json import JsonObject
from posthouse.model.capability import Capability, Parameter
from posthouse.model.kind import Id, ListOf
from posthouse.model.ports import Calling

CORE = Capability("urn:ietf:params:jmap:core", server=core, per_account=None)


@CORE.answers("Core/echo")
async def echo(call: Calling, arguments: JsonObject) -> JsonObject:
    """Answer with the arguments (RFC 8620 §4)."""
    return arguments


CORE.writes(
    "Blob/copy",
    fromAccountId=Parameter(Id(), required=True),
    blobIds=Parameter(ListOf(Id()), required=True),
)(copy)

CORE.answers("PushSubscription/get")(subscription.get)
CORE.answers("PushSubscription/set")(subscription.set)
