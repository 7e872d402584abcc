"""Rules of RFC 8620 and RFC 8621 that show best from far outside: what is put in comes out, and is found."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from wire.person import Person

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def person(sign_in: Callable[..., Person]) -> Person:
    return sign_in()


@pytest.fixture(scope="module")
def roles(person: Person) -> dict[str, str]:
    return {box["role"]: box["id"] for box in person.call("Mailbox/get")[1]["list"]}


def _imported(person: Person, mailbox: str, head: bytes, body: bytes = b"") -> str:
    data = b"Message-ID: <%d@example.org>\r\n%s\r\n\r\n%s" % (next(_numbers), head, body)
    blob = person.upload(data).json()["blobId"]
    _, answer = person.call("Email/import", emails={"a": {"blobId": blob, "mailboxIds": {mailbox: True}}})
    return str(answer["created"]["a"]["id"])


def _one(person: Person, id: str, *names: str, **more: Any) -> Any:
    return person.call("Email/get", ids=[id], **{"properties": list(names)} | more)[1]["list"][0]


# -- ids --


def test_ids_are_safe_in_any_file_system_and_spreadsheet(demo: Person) -> None:
    """RFC 8620 §1.2: none starts with a dash or digit, is all digits, or differs from another by case only."""
    _, found = demo.call("Email/get", properties=["threadId", "mailboxIds", "blobId"])
    for one in found["list"]:
        for id in (one["id"], one["threadId"], *one["mailboxIds"]):
            assert re.fullmatch(r"[a-z][0-9a-z]*", id), id
        assert re.fullmatch(r"[a-z][A-Za-z0-9_-]{1,254}", one["blobId"])


# -- search (RFC 8621 §4.4.1) --

HTML = (
    b"<html><head><title>wombat</title><style>.numbat { color: red }</style></head>"
    b"<body class='quokka'><!-- dingo --><script>bilby()</script>"
    b"<p>kangaroo <b>wall</b>aby</p><img alt='platypus' title='echidna' src='cid:emu'></body></html>"
)

BOTH = (
    b"--x\r\nContent-Type: text/plain\r\n\r\nPlease see the web version.\r\n"
    b"--x\r\nContent-Type: text/html\r\n\r\n<p>Please see the</p><p>Grand <i>winter</i> auction begins</p>\r\n--x--\r\n"
)


@pytest.fixture(scope="module")
def letters(person: Person, roles: dict[str, str]) -> dict[str, str]:
    inbox = roles["inbox"]
    return {
        "encoded": _imported(
            person,
            inbox,
            b"From: =?utf-8?q?Bj=C3=B6rn?= <b@example.com>\r\nSubject: =?iso-8859-1?q?Gr=FC=DFe?= und =?utf-8?b?55+z?=",
        ),
        "html": _imported(person, inbox, b"Subject: page\r\nContent-Type: text/html; charset=utf-8", HTML),
        "both": _imported(
            person, inbox, b"Subject: two\r\nContent-Type: multipart/alternative; boundary=x", BOTH
        ),
        "words": _imported(
            person, inbox, b"Subject: fruit", b'One Red apple and two green PEARS, it\'s "all" a\\b.'
        ),
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("björn", "encoded"),
        ("BJORN", "encoded"),
        ("grüße", "encoded"),
        ("石", "encoded"),
        ("kangaroo", "html"),
        ("wallaby", "html"),
        ("platypus", "html"),
        ("echidna", "html"),
        ("wombat", ""),
        ("numbat", ""),
        ("quokka", ""),
        ("dingo", ""),
        ("bilby", ""),
        ("emu", ""),
        ("pears APPLE", "words"),
        ("pears plums", ""),
        ('"red apple"', "words"),
        ("'red apple'", "words"),
        ('"apple red"', ""),
        ("'red pears'", ""),
        (r'"it\'s \"all\""', "words"),
        (r"'a\\b'", "words"),
        ("'red apple", "words"),
        ("auction", "both"),
        ('"winter auction"', "both"),
        ('"auction begins"', "both"),
        ('"grand begins"', ""),
        ('"auction grand"', ""),
        ('"web version"', "both"),
        ('two "green pears" fruit', "words"),
    ],
)
def test_a_search_finds_what_a_reader_sees(
    person: Person, letters: dict[str, str], text: str, expected: str
) -> None:
    _, found = person.call("Email/query", filter={"text": text})
    assert [name for name, id in letters.items() if id in found["ids"]] == [expected] * bool(expected)


def test_an_email_is_found_as_soon_as_it_is_there(person: Person, roles: dict[str, str]) -> None:
    blob = person.upload(b"Subject: instantaneous\r\n\r\n").json()["blobId"]
    responses = person.send(
        [
            "Email/import",
            {
                "accountId": person.account,
                "emails": {"a": {"blobId": blob, "mailboxIds": {roles["inbox"]: True}}},
            },
            "0",
        ],
        ["Email/query", {"accountId": person.account, "filter": {"text": "instantaneous"}}, "1"],
    ).json()["methodResponses"]
    assert [responses[0][1]["created"]["a"]["id"]] == responses[1][1]["ids"]


def test_a_condition_without_properties_is_true(person: Person, letters: dict[str, str]) -> None:
    assert person.call("Email/query")[1]["ids"] == person.call("Email/query", filter={})[1]["ids"]


# -- header fields --


def test_a_header_property_keeps_its_spelling(person: Person, letters: dict[str, str]) -> None:
    """RFC 8621 §4.2: the capitalization in the response MUST be identical to that used in the request."""
    asked = ["header:sUBJect", "header:SUBJECT:asText", "header:from:asAddresses:all"]
    got = _one(person, letters["encoded"], *asked)
    assert {"id", *asked} == set(got)
    assert "Grüße und 石" == got["header:SUBJECT:asText"]


def test_headers_in_utf8_are_read(person: Person, roles: dict[str, str]) -> None:
    """RFC 8621 §4.8, §4.9: the server MUST support messages with EAI headers (RFC 6532)."""
    id = _imported(person, roles["inbox"], "From: Jörg <jörg@例え.jp>\r\nSubject: Füße".encode())
    expected = {"from": [{"name": "Jörg", "email": "jörg@例え.jp"}], "subject": "Füße"}
    got = _one(person, id, "from", "subject", "blobId")
    assert expected == {name: got[name] for name in expected}
    _, parsed = person.call("Email/parse", blobIds=[got["blobId"]], properties=list(expected))
    assert expected == parsed["parsed"][got["blobId"]]


# -- keywords --


@pytest.mark.parametrize(
    "keyword", ["a(", "a)", "a{", "a]", "a%", "a*", 'a"', "\\deleted", "a b", "ä", "", "x" * 256]
)
def test_what_is_no_keyword_is_refused(person: Person, letters: dict[str, str], keyword: str) -> None:
    """RFC 8621 §4.1.1."""
    update = {letters["words"]: {"keywords": {keyword: True}}}
    error = person.call("Email/set", update=update)[1]["notUpdated"][letters["words"]]
    assert ("invalidProperties", ["keywords"]) == (error["type"], error["properties"])


def test_keywords_come_in_lower_case(person: Person, letters: dict[str, str]) -> None:
    keywords = {"$Seen": True, "MyLabel": True, "!#$&'+,-./:;<=>?@[^_`|}~": True, "x" * 255: True}
    update = {letters["words"]: {"keywords": keywords}}
    assert person.call("Email/set", update=update)[1]["notUpdated"] is None
    assert {name.lower(): True for name in keywords} == _one(person, letters["words"], "keywords")["keywords"]


# -- blobs --


def test_a_blob_lives_through_the_call_that_removes_its_last_holder(
    person: Person, roles: dict[str, str]
) -> None:
    """RFC 8620 §6: a create and a destroy may both reference the blob within the same method call."""
    old = _imported(person, roles["drafts"], b"Content-Type: application/x-thing", b"contents")
    [part] = _one(person, old, "attachments")["attachments"]
    create = {
        "mailboxIds": {roles["drafts"]: True},
        "attachments": [{"blobId": part["blobId"], "type": "a/b"}],
    }
    _, answer = person.call("Email/set", create={"new": create}, destroy=[old])
    assert [old] == answer["destroyed"]
    [kept] = _one(person, answer["created"]["new"]["id"], "attachments")["attachments"]
    assert b"contents" == person.http.get(person.url_of(kept["blobId"])).content


# -- queries --


def test_added_items_stand_in_the_order_of_their_index(person: Person, roles: dict[str, str]) -> None:
    """RFC 8620 §5.6."""
    filter = {"inMailbox": roles["archive"]}
    sort = [{"property": "subject"}]
    for subject in (b"d", b"b"):
        _imported(person, roles["archive"], b"Subject: " + subject)
    _, old = person.call("Email/query", filter=filter, sort=sort)
    for subject in (b"e", b"a", b"c"):
        _imported(person, roles["archive"], b"Subject: " + subject)
    _, changes = person.call(
        "Email/queryChanges", filter=filter, sort=sort, sinceQueryState=old["queryState"], calculateTotal=True
    )
    indexes = [item["index"] for item in changes["added"]]
    assert sorted(indexes) == indexes
    assert 5 == changes["total"]
    ids = [id for id in old["ids"] if id not in changes["removed"]]
    for item in changes["added"]:
        ids.insert(item["index"], item["id"])
    assert person.call("Email/query", filter=filter, sort=sort)[1]["ids"] == ids


def test_a_total_is_left_out_unless_asked_for(person: Person) -> None:
    _, query = person.call("Email/query")
    assert "total" not in query
    _, changes = person.call("Email/queryChanges", sinceQueryState=query["queryState"])
    assert "total" not in changes


@pytest.mark.parametrize("position", [0, -1000, 1000, 5])
def test_a_position_is_clamped_or_gives_nothing(demo: Person, position: int) -> None:
    """RFC 8620 §5.5: a negative one counts from the end; one at or behind the total gives no ids."""
    _, everything = demo.call("Email/query", calculateTotal=True)
    total = everything["total"]
    assert total == len(everything["ids"])
    _, found = demo.call("Email/query", position=position, limit=3)
    first = max(0, total + position) if position < 0 else position
    assert everything["ids"][first : first + 3] == found["ids"]
    if found["ids"]:
        assert first == found["position"]


def test_mailboxes_are_sorted_by_order_and_name(person: Person) -> None:
    for name, order in (("zebra", 7), ("Ärmel", 7), ("armee", 7), ("first", 6)):
        person.call("Mailbox/set", create={"a": {"name": name, "sortOrder": order}})
    _, found = person.call("Mailbox/query", sort=[{"property": "sortOrder"}, {"property": "name"}])
    boxes = {box["id"]: box for box in person.call("Mailbox/get")[1]["list"]}
    names = [boxes[id]["name"] for id in found["ids"]]
    assert ["first", "armee", "Ärmel", "zebra"] == [
        name for name in names if name in ("first", "zebra", "Ärmel", "armee")
    ]


def test_mailboxes_are_sorted_by_parent(person: Person) -> None:
    """RFC 8621 §2.3: children of one parent stand together."""
    create = {
        "p": {"name": "parent p"},
        "q": {"name": "parent q"},
        **{
            f"{parent}{at}": {"name": f"{at}", "parentId": f"#{parent}"} for at in range(3) for parent in "pq"
        },
    }
    _, answer = person.call("Mailbox/set", create=create)
    parents = {one["id"]: key[0] for key, one in answer["created"].items() if len(key) == 2}
    for ascending in (True, False):
        sort = [{"property": "parentId", "isAscending": ascending}, {"property": "name"}]
        _, found = person.call("Mailbox/query", sort=sort)
        runs = [
            parent for parent, _ in itertools.groupby(parents[id] for id in found["ids"] if id in parents)
        ]
        assert 2 == len(runs)


# -- creating --


@pytest.mark.parametrize(
    "draft",
    [
        {},
        {"subject": "x", "textBody": [{"partId": "a"}], "bodyValues": {"a": {"value": "text"}}},
        {"bodyStructure": {"partId": "a", "type": "text/html"}, "bodyValues": {"a": {"value": "<p>"}}},
    ],
)
def test_what_a_create_tells_is_what_get_tells(
    person: Person, roles: dict[str, str], draft: dict[str, Any]
) -> None:
    """RFC 8620 §5.3: the properties that the client did not send, as they are."""
    create = {"a": {"mailboxIds": {roles["drafts"]: True}, **draft}}
    made = person.call("Email/set", create=create)[1]["created"]["a"]
    assert {"id", "blobId", "threadId", "size"} <= set(made)
    assert made == _one(person, made["id"], *made)


# -- bodies and snippets --


def test_parse_cuts_body_values_as_get_does(person: Person, roles: dict[str, str]) -> None:
    """RFC 8621 §4.9: valid UTF-8, not in the middle of a codepoint or of a tag."""
    html = '<p>Grüße <a href="https://example.org/">more</a></p>'.encode()
    id = _imported(person, roles["inbox"], b"Content-Type: text/html; charset=utf-8", html)
    blob = _one(person, id, "blobId")["blobId"]
    for most in range(1, len(html) + 1):
        arguments = {"properties": ["bodyValues"], "fetchAllBodyValues": True, "maxBodyValueBytes": most}
        _, parsed = person.call("Email/parse", blobIds=[blob], **arguments)
        [value] = parsed["parsed"][blob]["bodyValues"].values()
        assert (most < len(html)) == value["isTruncated"]
        cut = value["value"].encode()
        assert html.startswith(cut)
        assert len(cut) <= most
        assert cut.count(b"<") == cut.count(b">")
        assert value == next(iter(_one(person, id, **arguments)["bodyValues"].values()))


@pytest.mark.parametrize("filling", ["word ", "wörter ", "字", "<&> ", "\N{GRINNING FACE}"])
def test_a_snippet_is_small(person: Person, roles: dict[str, str], filling: str) -> None:
    """RFC 8621 §5: it MUST NOT be bigger than 255 octets in size."""
    needle = f"needle{next(_numbers)}"
    body = f"{filling * 400} {needle} {filling * 400} {needle} {filling * 400}".encode()
    head = b"Content-Type: text/plain; charset=utf-8\r\nSubject: " + needle.encode()
    id = _imported(person, roles["inbox"], head, body)
    _, answer = person.call("SearchSnippet/get", emailIds=[id], filter={"text": needle})
    [snippet] = answer["list"]
    assert f"<mark>{needle}</mark>" in snippet["preview"]
    assert f"<mark>{needle}</mark>" == snippet["subject"]
    assert len(snippet["preview"].encode()) <= 255
    without_marks = re.sub(r"</?mark>|&(?:amp|lt|gt|quot|#39|#x27);", "", snippet["preview"])
    assert not set(without_marks) & set("<>&")
