"""Every method of this server, with arguments that suit any account; None for those that work on none."""

from __future__ import annotations

from typing import Any, Final

_GET: Final[dict[str, Any]] = {"ids": []}
_CHANGES: Final[dict[str, Any]] = {"sinceState": "0"}
_QUERY_CHANGES: Final[dict[str, Any]] = {"sinceQueryState": "0"}

METHODS: Final[dict[str, dict[str, Any] | None]] = {
    "Core/echo": None,
    "PushSubscription/get": None,
    "PushSubscription/set": None,
    "Blob/copy": {"fromAccountId": "nowhere", "blobIds": []},
    "Mailbox/get": _GET,
    "Mailbox/changes": _CHANGES,
    "Mailbox/query": {},
    "Mailbox/queryChanges": _QUERY_CHANGES,
    "Mailbox/set": {},
    "Thread/get": _GET,
    "Thread/changes": _CHANGES,
    "Email/get": _GET,
    "Email/changes": _CHANGES,
    "Email/query": {},
    "Email/queryChanges": _QUERY_CHANGES,
    "Email/set": {},
    "Email/copy": {"fromAccountId": "nowhere", "create": {}},
    "Email/import": {"emails": {}},
    "Email/parse": {"blobIds": []},
    "SearchSnippet/get": {"emailIds": []},
    "Identity/get": _GET,
    "Identity/changes": _CHANGES,
    "Identity/set": {},
    "EmailSubmission/get": _GET,
    "EmailSubmission/changes": _CHANGES,
    "EmailSubmission/query": {},
    "EmailSubmission/queryChanges": _QUERY_CHANGES,
    "EmailSubmission/set": {},
    "VacationResponse/get": _GET,
    "VacationResponse/set": {},
    "AddressBook/get": _GET,
    "AddressBook/changes": _CHANGES,
    "AddressBook/set": {},
    "ContactCard/get": _GET,
    "ContactCard/changes": _CHANGES,
    "ContactCard/query": {},
    "ContactCard/queryChanges": _QUERY_CHANGES,
    "ContactCard/set": {},
    "ContactCard/copy": {"fromAccountId": "nowhere", "create": {}},
    "ContactCard/parse": {"blobIds": []},
    "Principal/get": _GET,
    "Principal/changes": _CHANGES,
    "Principal/query": {},
    "Principal/queryChanges": _QUERY_CHANGES,
    "Principal/set": {},
    "ShareNotification/get": _GET,
    "ShareNotification/changes": _CHANGES,
    "ShareNotification/query": {},
    "ShareNotification/queryChanges": _QUERY_CHANGES,
    "ShareNotification/set": {},
}
