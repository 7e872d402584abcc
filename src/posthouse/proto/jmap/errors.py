"""The three families of JMAP errors, one table each (RFC 8620 §3.6, §5.3).

A type that is not in its family's table is a mistake in our code, so constructing it raises ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from posthouse.kit.json import Json, JsonObject

_URN = "urn:ietf:params:jmap:error:"

REQUEST_ERRORS = {
    "about:blank": "RFC 7807 §4.2",  # a plain HTTP error: its status says all
    "unknownCapability": "RFC 8620 §3.6.1",
    "notJSON": "RFC 8620 §3.6.1",
    "notRequest": "RFC 8620 §3.6.1",
    "limit": "RFC 8620 §3.6.1",
}
"""Types of `RequestError` and where each is defined."""

METHOD_ERRORS = {
    "serverUnavailable": "RFC 8620 §3.6.2",
    "serverFail": "RFC 8620 §3.6.2",
    "serverPartialFail": "RFC 8620 §3.6.2",
    "unknownMethod": "RFC 8620 §3.6.2",
    "invalidArguments": "RFC 8620 §3.6.2",
    "invalidResultReference": "RFC 8620 §3.6.2",
    "forbidden": "RFC 8620 §3.6.2",
    "accountNotFound": "RFC 8620 §3.6.2",
    "accountNotSupportedByMethod": "RFC 8620 §3.6.2",
    "accountReadOnly": "RFC 8620 §3.6.2",
    "requestTooLarge": "RFC 8620 §5.1, §5.3; RFC 8621 §5.1",
    "cannotCalculateChanges": "RFC 8620 §5.2, §5.6",
    "stateMismatch": "RFC 8620 §5.3, §5.4; RFC 8621 §4.8",
    "fromAccountNotFound": "RFC 8620 §5.4, §6.3",
    "fromAccountNotSupportedByMethod": "RFC 8620 §5.4",
    "anchorNotFound": "RFC 8620 §5.5",
    "unsupportedSort": "RFC 8620 §5.5",
    "unsupportedFilter": "RFC 8620 §5.5; RFC 8621 §5.1",
    "tooManyChanges": "RFC 8620 §5.6",
}
"""Types of `MethodError` and where each is defined."""

SET_ERRORS = {
    "forbidden": "RFC 8620 §5.3",
    "overQuota": "RFC 8620 §5.3",
    "tooLarge": "RFC 8620 §5.3; RFC 8621 §7.5",
    "rateLimit": "RFC 8620 §5.3",
    "notFound": "RFC 8620 §5.3, §6.3",
    "invalidPatch": "RFC 8620 §5.3",
    "willDestroy": "RFC 8620 §5.3",
    "invalidProperties": "RFC 8620 §5.3",
    "singleton": "RFC 8620 §5.3",
    "alreadyExists": "RFC 8620 §5.4; RFC 8621 §4.7, §4.8",
    "addressBookHasContents": "RFC 9610 §2.3",
    "mailboxHasChild": "RFC 8621 §2.5",
    "mailboxHasEmail": "RFC 8621 §2.5",
    "blobNotFound": "RFC 8621 §4.6",
    "tooManyKeywords": "RFC 8621 §4.6",
    "tooManyMailboxes": "RFC 8621 §4.6",
    "invalidEmail": "RFC 8621 §4.8, §7.5",
    "forbiddenFrom": "RFC 8621 §6.3, §7.5",
    "tooManyRecipients": "RFC 8621 §7.5",
    "noRecipients": "RFC 8621 §7.5",
    "invalidRecipients": "RFC 8621 §7.5",
    "forbiddenMailFrom": "RFC 8621 §7.5",
    "forbiddenToSend": "RFC 8621 §7.5",
    "cannotUnsend": "RFC 8621 §7.5",
}
"""Types of `SetError` and where each is defined."""


class RequestError(Exception):
    """The request as a whole is refused with an HTTP status and a problem document (RFC 8620 §3.6.1).

    `type` is a key of `REQUEST_ERRORS`, `detail` a sentence for the client's developer, and `limit` the
    name of the limit that was exceeded, there exactly when `type` is ``limit``.
    """

    def __init__(self, type: str, status: int, detail: str, limit: str | None = None) -> None:
        if type not in REQUEST_ERRORS:
            raise ValueError(f"no request error has the type {type!r}")
        if (type == "limit") != (limit is not None):
            raise ValueError("the type 'limit', and only it, names a limit")
        super().__init__(type, status, detail, limit)
        self.type = type
        self.status = status
        self.detail = detail
        self.limit = limit

    def problem(self) -> JsonObject:
        """Return the problem document (RFC 7807 §3.1)."""
        document: JsonObject = {"status": self.status, "detail": self.detail}
        if self.type == "about:blank":
            return {"type": self.type, "title": HTTPStatus(self.status).phrase, **document}
        if self.limit is not None:
            document["limit"] = self.limit
        return {"type": _URN + self.type, **document}


class MethodError(Exception):
    """One method call is refused, and the others go on (RFC 8620 §3.6.2).

    `type` is a key of `METHOD_ERRORS`, `description` a sentence for the client's developer, and `more`
    holds the further properties that the type calls for.
    """

    def __init__(self, type: str, description: str | None = None, **more: Json) -> None:
        if type not in METHOD_ERRORS:
            raise ValueError(f"no method error has the type {type!r}")
        super().__init__(type, description)
        self.type = type
        self.description = description
        self.more = more

    def as_json(self) -> JsonObject:
        """Return the arguments of the ``error`` response."""
        return _error_object(self.type, self.description, self.more)


class SetError(Exception):
    """One object of a method call is refused, and the others go on (RFC 8620 §5.3).

    `type` is a key of `known`, `description` a sentence for the client's developer, `properties` the
    names of all properties that were invalid, and `more` holds the further properties that the type calls
    for, such as ``existingId``. A capability of a stranger declares types of its own in a subclass, with where
    they are defined: ``class BakeryError(SetError): known = {"shelfHasCakes": "the bakery's README"}``.
    """

    known: ClassVar[Mapping[str, str]] = SET_ERRORS

    def __init__(
        self,
        type: str,
        description: str | None = None,
        properties: list[str] | None = None,
        **more: Json,
    ) -> None:
        if type not in self.known:
            raise ValueError(f"no set error has the type {type!r}")
        super().__init__(type, description)
        self.type = type
        self.description = description
        self.properties = properties
        self.more = more

    def as_json(self) -> JsonObject:
        """Return the SetError object."""
        listed = {} if self.properties is None else {"properties": self.properties}
        return _error_object(self.type, self.description, listed | self.more)


def _error_object(type: str, description: str | None, more: JsonObject) -> JsonObject:
    described = {} if description is None else {"description": description}
    return {"type": type, **described, **more}
