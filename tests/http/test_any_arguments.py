"""Whatever the arguments are, a call has an answer of the standard, and never fails through our fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wire.methods import METHODS
from wire.person import Person

ERRORS = {
    "accountNotFound",
    "accountReadOnly",
    "anchorNotFound",
    "cannotCalculateChanges",
    "forbidden",
    "fromAccountNotFound",
    "fromAccountNotSupportedByMethod",
    "invalidArguments",
    "invalidResultReference",
    "requestTooLarge",
    "stateMismatch",
    "tooManyChanges",
    "unknownMethod",
    "unsupportedFilter",
    "unsupportedSort",
}
SET_ERRORS = {
    "alreadyExists",
    "blobNotFound",
    "forbidden",
    "forbiddenFrom",
    "forbiddenToSend",
    "invalidEmail",
    "invalidPatch",
    "invalidProperties",
    "mailboxHasChild",
    "mailboxHasEmail",
    "notFound",
    "overQuota",
    "singleton",
    "tooLarge",
    "tooManyKeywords",
    "tooManyMailboxes",
    "willDestroy",
}
WORDS = [
    *(
        "id",
        "ids",
        "#ids",
        "properties",
        "create",
        "update",
        "destroy",
        "ifInState",
        "sinceState",
        "maxChanges",
    ),
    *("filter", "sort", "position", "anchor", "anchorOffset", "limit", "calculateTotal", "collapseThreads"),
    *(
        "sinceQueryState",
        "upToId",
        "fromAccountId",
        "blobIds",
        "emails",
        "emailIds",
        "operator",
        "conditions",
    ),
    *(
        "property",
        "isAscending",
        "collation",
        "keyword",
        "name",
        "parentId",
        "role",
        "sortOrder",
        "isSubscribed",
    ),
    *(
        "mailboxIds",
        "keywords",
        "keywords/$seen",
        "mailboxIds/m1",
        "receivedAt",
        "blobId",
        "email",
        "subject",
    ),
    *("from", "to", "replyTo", "messageId", "sentAt", "header:From", "header:X:asURLs:all", "headers"),
    *(
        "bodyStructure",
        "bodyValues",
        "textBody",
        "htmlBody",
        "attachments",
        "partId",
        "type",
        "charset",
        "size",
    ),
    *("subParts", "value", "isTruncated", "disposition", "cid", "language", "location", "bodyProperties"),
    *("fetchAllBodyValues", "maxBodyValueBytes", "inMailbox", "inMailboxOtherThan", "before", "hasKeyword"),
    *("text", "header", "hasAttachment", "minSize", "hasAnyRole", "sortAsTree", "filterAsTree"),
    *("onDestroyRemoveEmails", "onSuccessDestroyOriginal", "onSuccessDestroyEmail", "isEnabled", "fromDate"),
    *("identityId", "emailId", "envelope", "htmlBody", "resultOf", "path", "a", "#a", "", "*", "/", "~"),
]
VALUES: list[Any] = [
    *(
        "m1",
        "m2",
        "#a",
        "e1",
        "t1",
        "i1",
        "singleton",
        "$seen",
        "inbox",
        "AND",
        "OR",
        "NOT",
        "subject",
        "from",
    ),
    *(
        "text/plain",
        "multipart/mixed",
        "message/rfc822",
        "2024-01-01T00:00:00Z",
        "a@example.org",
        "0",
        "utf-8",
    ),
    *("header:Subject:asText", "i;ascii-casemap", '"phrase', "wo*rd", "\0", "\ud7ff\U0010ffff", "x" * 300),
    *(None, True, False, 0, -1, 1, 1.5, 2**31, 2**53 - 1, 2**53, -(2**63), 10**30, "", [], {}),
]
ANY = st.recursive(
    st.sampled_from(VALUES) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def calls(draw: st.DrawFn) -> list[Any]:
    """A method with arguments that are in order but for some."""
    method = draw(st.sampled_from([name for name, values in METHODS.items() if values is not None]))
    arguments = dict(METHODS[method] or {})
    if method.endswith("/set"):
        kind = st.dictionaries(
            st.sampled_from(["a", "b"]), st.dictionaries(st.sampled_from(WORDS), ANY, max_size=5)
        )
        arguments["create"] = draw(kind | ANY)
        arguments["update"] = draw(
            st.dictionaries(st.sampled_from(["m1", "i1", "#a", "singleton"]), ANY) | ANY
        )
    arguments |= draw(st.dictionaries(st.sampled_from(WORDS), ANY, max_size=4))
    return [method, arguments]


@pytest.fixture(scope="module")
def person(sign_in: Callable[..., Person]) -> Person:
    return sign_in()


@given(batch=st.lists(calls(), min_size=20, max_size=20))
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_any_arguments_have_an_answer_of_the_standard(person: Person, batch: list[Any]) -> None:
    numbered = [
        [name, {"accountId": person.account_for(name), **values}, str(at)]
        for at, (name, values) in enumerate(batch)
    ]
    response = person.send(*numbered)
    assert 200 == response.status_code, response.text
    answers = response.json()["methodResponses"]
    for name, values, call_id in answers:
        asked, arguments, _ = numbered[int(call_id)]
        if name == "error":
            assert values["type"] in ERRORS, (asked, arguments, values)
            continue
        assert name == asked or name == "Email/set", (asked, arguments)
        for refused in ("notCreated", "notUpdated", "notDestroyed"):
            for error in (values.get(refused) or {}).values():
                assert error["type"] in SET_ERRORS, (asked, arguments, error)
