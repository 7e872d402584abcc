"""jmapc from PyPI does what its users do; what came of it is asked by raw JMAP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from clients.peer import Peer, PeerFailed
from posthouse.testing import Server
from posthouse.testing.client import Jmap

pytestmark = pytest.mark.peer("jmapc")

MESSAGE = (
    "From: ann@example.org\r\nTo: demo@example.org\r\nSubject: {}\r\nMessage-ID: <{}@example.org>\r\n\r\n"
    "Quinces and xylophones.\r\n"
)


@pytest.fixture
def raw(tls_server: Server) -> Iterator[Jmap]:
    with closing(tls_server.client()) as client:
        yield client


@pytest.fixture
def roles(raw: Jmap) -> dict[str, str]:
    return {one["role"]: one["id"] for one in raw.ask("Mailbox/get")["list"] if one["role"]}


def _email(raw: Jmap, id: str, *properties: str) -> Any:
    return raw.ask("Email/get", ids=[id], properties=list(properties))["list"][0]


def _imported(raw: Jmap, mailbox: str, subject: str) -> str:
    blob = raw.upload(MESSAGE.format(subject, subject.lower().replace(" ", "-")).encode())
    answer = raw.ask("Email/import", emails={"one": {"blobId": blob, "mailboxIds": {mailbox: True}}})
    return str(answer["created"]["one"]["id"])


def test_it_reads_the_session(jmapc: Peer, raw: Jmap) -> None:
    session = jmapc.do("session")
    assert raw.session["username"] == session["username"]
    assert raw.session["state"] == session["state"]
    assert raw.account == session["accountId"]
    assert sorted(raw.session["capabilities"]) == session["capabilities"]
    core = raw.session["capabilities"]["urn:ietf:params:jmap:core"]
    assert core["maxObjectsInGet"] == session["maxObjectsInGet"]


def test_it_lists_the_mailboxes_and_keeps_its_session(jmapc: Peer, raw: Jmap) -> None:
    found = jmapc.do("mailboxes")
    assert found["keptSession"]
    names = ("id", "name", "role", "totalEmails", "unreadThreads", "isSubscribed")
    assert [[one[name] for name in names] for one in raw.ask("Mailbox/get")["list"]] == [
        [one.get(name) for name in names] for one in found["list"]
    ]


def test_it_finds_a_mailbox_by_its_role(jmapc: Peer, roles: dict[str, str]) -> None:
    assert [roles["drafts"]] == jmapc.do("mailbox_with_role", role="drafts")


def test_it_makes_and_removes_a_mailbox(jmapc: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    answer = jmapc.do("add_mailbox", name="Ümläute", parent_id=roles["archive"])
    assert answer["notCreated"] is None
    id = answer["created"]["new"]["id"]
    [made] = raw.ask("Mailbox/get", ids=[id])["list"]
    assert ("Ümläute", roles["archive"]) == (made["name"], made["parentId"])
    inside = _imported(raw, id, "Goes with its mailbox")
    assert [id] == jmapc.do("remove_mailbox", id=id)
    assert [id] == raw.ask("Mailbox/get", ids=[id])["notFound"]
    assert [inside] == raw.ask("Email/get", ids=[inside])["notFound"]


def test_it_searches_with_back_references(jmapc: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    id = _imported(raw, roles["inbox"], "About xylophones")
    other = _imported(raw, roles["inbox"], "Of something else")
    found = jmapc.do("search", text="xylophones subject:about")
    assert [] == found["ids"]  # words, no operators of a search box
    found = jmapc.do("search", text="about xylophones")
    assert [id] == found["ids"]
    assert 1 == found["total"]
    [email] = found["emails"]
    known = _email(raw, id, "threadId", "subject", "preview")
    assert known == {name: email[name] for name in known}
    assert [{"id": email["threadId"], "emailIds": [id]}] == found["threads"]
    [snippet] = found["snippets"]
    assert "<mark>About</mark> <mark>xylophones</mark>" == snippet["subject"]
    assert {id, other} <= set(jmapc.do("search", text="quinces")["ids"])


def test_it_sets_keywords_and_moves(jmapc: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    id = _imported(raw, roles["inbox"], "To be moved")
    patch = {"keywords/$flagged": True, "keywords/$seen": True}
    assert [id] == jmapc.do("update", id=id, patch=patch)["updated"]
    assert {"$flagged": True, "$seen": True} == _email(raw, id, "keywords")["keywords"]
    assert [id] == jmapc.do("update", id=id, patch={"mailboxIds": {roles["trash"]: True}})["updated"]
    assert {roles["trash"]: True} == _email(raw, id, "mailboxIds")["mailboxIds"]
    assert [id] == jmapc.do("destroy", id=id)
    assert [id] == raw.ask("Email/get", ids=[id])["notFound"]


def test_it_follows_changes(jmapc: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    junk = roles["junk"]
    stays, goes = (_imported(raw, junk, subject) for subject in ("Stays", "Goes"))
    old = jmapc.do("page", mailbox_id=junk)
    comes = _imported(raw, junk, "Comes")
    jmapc.do("destroy", id=goes)
    jmapc.do("update", id=stays, patch={"keywords/$flagged": True})
    news = jmapc.do("changes_since", mailbox_id=junk, state=old["state"], query_state=old["queryState"])
    kinds = ("created", "updated", "destroyed")
    assert [[comes], [stays], [goes]] == [news["changes"][kind] for kind in kinds]
    kept = [id for id in old["ids"] if id not in news["query"]["removed"]]
    for item in news["query"]["added"]:
        kept.insert(item["index"], item["id"])
    assert raw.ask("Email/query", filter={"inMailbox": junk})["ids"] == kept


def test_it_writes_a_draft_with_an_attachment(jmapc: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    file = {"name": "Straße.txt", "text": "Hausnummer 7\n"}
    answer = jmapc.do(
        "draft",
        mailbox_id=roles["drafts"],
        sender="demo@example.org",
        to="friend@example.org",
        subject="Grüße — 你好",
        text="Grüße\n",
        html="<p>Grüße</p>",
        file=file,
    )
    assert answer["notCreated"] is None
    id = answer["created"]["draft"]["id"]
    email = _email(raw, id, "subject", "from", "keywords", "attachments")
    assert "Grüße — 你好" == email["subject"]
    assert [{"name": "Démo", "email": "demo@example.org"}] == email["from"]
    assert {"$draft": True, "$seen": True} == email["keywords"]
    [attached] = email["attachments"]
    assert file["name"] == attached["name"]
    assert file["text"].encode() == raw.download(attached["blobId"])

    read = jmapc.do("read", id=id)
    values = {part: value["value"] for part, value in read["bodyValues"].items()}
    assert "Grüße\n" == values[read["textBody"][0]["partId"]]
    assert "<p>Grüße</p>" == values[read["htmlBody"][0]["partId"]]
    assert {file["name"]: file["text"]} == jmapc.do("download_attachments", id=id)


def test_it_imports_by_a_custom_method(jmapc: Peer, raw: Jmap, roles: dict[str, str]) -> None:
    blob = raw.upload(MESSAGE.format("By hand", "by-hand").encode())
    answer = jmapc.do(
        "custom",
        name="Email/import",
        using=["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"],
        arguments={"emails": {"one": {"blobId": blob, "mailboxIds": {roles["inbox"]: True}}}},
    )
    assert blob == _email(raw, answer["created"]["one"]["id"], "blobId")["blobId"]


def test_it_reads_and_changes_the_identity(jmapc: Peer, raw: Jmap) -> None:
    [identity] = jmapc.do("identities")
    assert "demo@example.org" == identity["email"]
    assert [identity["id"]] == jmapc.do("sign", id=identity["id"], signature="-- \nDemo")
    assert "-- \nDemo" == raw.ask("Identity/get")["list"][0]["textSignature"]


def test_it_goes_on_vacation_by_a_custom_method(jmapc: Peer, raw: Jmap) -> None:
    answer = jmapc.do(
        "custom",
        name="VacationResponse/set",
        using=["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:vacationresponse"],
        arguments={"update": {"singleton": {"isEnabled": True, "textBody": "Away."}}},
    )
    assert {"singleton": None} == answer["updated"]
    [response] = raw.ask("VacationResponse/get")["list"]
    assert (True, "Away.") == (response["isEnabled"], response["textBody"])


def test_it_echoes(jmapc: Peer) -> None:
    data = {"hello": True, "high": 5, "text": "grün"}
    assert data == jmapc.do("echo", data=data)


def test_it_sees_errors_as_errors(jmapc: Peer) -> None:
    refused = jmapc.do("update", id="nowhere", patch={"keywords/$seen": True})
    assert not refused["updated"]
    assert {"nowhere": "notFound"} == refused["notUpdated"]
    with pytest.raises(PeerFailed, match="Errors found"):
        jmapc.do("changes_since", mailbox_id="nowhere", state="?", query_state="?")


def test_it_hears_of_changes(jmapc: Peer, raw: Jmap) -> None:
    first = jmapc.do("next_event")
    assert raw.ask("Email/get", ids=[])["state"] == first["changed"][raw.account]["Email"]
    made = raw.ask("Mailbox/set", create={"a": {"name": "Heard"}})
    try:
        second = jmapc.do("next_event")
        assert made["newState"] == second["changed"][raw.account]["Mailbox"]
        assert first["id"] != second["id"]
    finally:
        raw.ask("Mailbox/set", destroy=[made["created"]["a"]["id"]])
