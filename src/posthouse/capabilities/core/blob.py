"""Blob/copy: bytes of one account made readable in another (RFC 8620 §6.3)."""

from __future__ import annotations

from typing import cast

from posthouse.engine import access, blob
from posthouse.engine.call import Call
from posthouse.kit.json import JsonObject
from posthouse.model.ports import Calling
from posthouse.proto.jmap.errors import MethodError


async def copy(call: Calling, arguments: JsonObject) -> JsonObject:
    """Answer Blob/copy.

    Raises MethodError ``fromAccountNotFound``, ``invalidArguments`` for twice the same account, or
    ``requestTooLarge``.
    """
    call = cast(Call, call)
    access.to_change(call.access)
    source = call.caller.accounts.get(arguments["fromAccountId"])
    if source is None:
        raise MethodError("fromAccountNotFound")
    if source.account == call.account:
        raise MethodError("invalidArguments", "both accounts are the same", arguments=["fromAccountId"])
    if len(arguments["blobIds"]) > call.limits.max_objects_in_set:
        raise MethodError("requestTooLarge", f"at most {call.limits.max_objects_in_set} can be copied")
    copied, refused = await blob.copy(call, source, arguments["blobIds"])
    return {
        "fromAccountId": arguments["fromAccountId"],
        "accountId": arguments["accountId"],
        "copied": copied or None,
        "notCopied": {wire: error.as_json() for wire, error in refused.items()} or None,
    }
