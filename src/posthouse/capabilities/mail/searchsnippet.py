"""SearchSnippet/get: where Emails hold what a search looked for (RFC 8621 §5)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from posthouse.capabilities.mail import part, snippet
from posthouse.capabilities.mail.capability import MAIL
from posthouse.capabilities.mail.email import email
from posthouse.capabilities.mail.snippet import Wanted
from posthouse.engine import filter
from posthouse.formats import mime
from posthouse.kit.json import JsonObject
from posthouse.model.capability import Parameter
from posthouse.model.kind import Anything, Id, ListOf, MapOf, String
from posthouse.model.ports import BlobSource, Calling, Txn
from posthouse.proto.jmap.errors import MethodError

_MOST_READ: Final = 1_000_000
"""Octets of a part that are looked at: no more were indexed."""


@MAIL.writes(
    "SearchSnippet/get",
    filter=Parameter(MapOf(String(), Anything()) | None),
    emailIds=Parameter(ListOf(Id()), required=True),
)
async def get(call: Calling, arguments: JsonObject) -> JsonObject:
    """Answer SearchSnippet/get. It changes nothing; it reads bodies, for which others do not wait.

    Raises MethodError ``requestTooLarge``, ``unsupportedFilter`` or ``invalidArguments``.
    """
    wires = list(dict.fromkeys(arguments["emailIds"]))
    most = call.limits.max_objects_in_get
    if len(wires) > most:
        raise MethodError("requestTooLarge", f"at most {most} Emails can be asked for")
    wanted = snippet.wanted(filter.query(email, {"filter": arguments["filter"], "sort": None}).where)
    found = await call.read(partial(_stored, wires))
    snippets = await call.aside(partial(_snippets, call.blobs, wanted, found))
    return {
        "accountId": arguments["accountId"],
        "list": snippets,
        "notFound": [wire for wire in wires if wire not in found] or None,
    }


def _stored(wires: list[str], txn: Txn) -> dict[str, JsonObject]:
    ids = {wire: id for wire in wires if (id := email.local(wire)) is not None}
    values = txn.values(email, ids.values(), ["subject", "textBody", "htmlBody", "bodyStructure"])
    return {wire: values[id] for wire, id in ids.items() if id in values}


def _snippets(blobs: BlobSource, wanted: Wanted, found: dict[str, JsonObject]) -> list[JsonObject]:
    snippets: list[JsonObject] = []
    for wire, values in found.items():
        made = snippet.snippet(wanted, values["subject"] or "", _bodies(blobs, values))
        snippets.append({"emailId": wire, "subject": made.subject, "preview": made.preview})
    return snippets


def _bodies(blobs: BlobSource, values: JsonObject) -> Iterator[str]:
    """Make the texts that a reader sees, plain ones before those of an HTML alternative."""
    parts = {one["partId"]: one for one in part.leaves(values["bodyStructure"])}
    shown = dict.fromkeys(one["partId"] for name in ("textBody", "htmlBody") for one in values[name])
    for id in shown:
        one = parts[id]
        if one["type"].startswith("text/"):
            value = part.text(one, blobs, 0, _MOST_READ)["value"]
            yield mime.html_text(value) if one["type"] == "text/html" else value
