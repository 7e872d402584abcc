"""Mailbox/set (RFC 8621 §2, §2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.room import Room, message


def test_a_created_mailbox_has_its_defaults(room: Room) -> None:
    id = room.mailbox("new")
    found = room.one("Mailbox", id)
    assert {"name": "new", "parentId": None, "role": None, "sortOrder": 0, "isSubscribed": True} == {
        name: found[name] for name in ("name", "parentId", "role", "sortOrder", "isSubscribed")
    }


def test_a_new_account_has_a_mailbox_for_each_usual_role(room: Room) -> None:
    assert {"inbox", "drafts", "sent", "archive", "junk", "trash"} == room.role.keys()


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": "a\u2028b"}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": "ü" * 128}, ["name"]),
        ({"name": "a", "parentId": "m999"}, ["parentId"]),
        ({"name": "a", "role": "Inbox"}, ["role"]),
        ({"name": "a", "role": "haschildren"}, ["role"]),
        ({"name": "a", "role": "trash"}, ["role"]),
        ({"name": "a", "sortOrder": -1}, ["sortOrder"]),
        ({"name": "a", "sortOrder": 2**31}, ["sortOrder"]),
        ({"name": "a", "totalEmails": 1}, ["totalEmails"]),
        ({"name": "a", "myRights": {}}, ["myRights"]),
    ],
)
def test_what_is_wrong_is_named(room: Room, values: dict[str, Any], wrong: list[str]) -> None:
    error = room.refused("Mailbox/set", "create", {"k": values})
    assert ("invalidProperties", wrong) == (error["type"], error["properties"])


def test_a_name_of_255_octets_is_kept(room: Room) -> None:
    name = "ü" * 127 + "x"
    assert name == room.one("Mailbox", room.mailbox(name))["name"]


def test_a_name_is_kept_in_form_c_and_the_client_is_told(room: Room) -> None:
    created = room.ask("Mailbox/set", create={"k": {"name": "u\u0308"}})["created"]["k"]
    assert "ü" == created["name"] == room.one("Mailbox", created["id"])["name"]


def test_two_siblings_can_not_have_one_name(room: Room) -> None:
    first = room.mailbox("same")
    error = room.refused("Mailbox/set", "create", {"k": {"name": "same"}})
    assert ("alreadyExists", first) == (error["type"], error["existingId"])
    second = room.mailbox("same", parentId=first)
    error = room.refused("Mailbox/set", "update", {second: {"parentId": None}})
    assert ("alreadyExists", first) == (error["type"], error["existingId"])
    room.mailbox("Same")


def test_of_two_in_one_call_the_first_gets_the_name_and_the_role(room: Room) -> None:
    answered = room.ask("Mailbox/set", create={"a": {"name": "same"}, "b": {"name": "same"}})
    assert (["a"], ["b"]) == (list(answered["created"]), list(answered["notCreated"]))
    assert answered["created"]["a"]["id"] == answered["notCreated"]["b"]["existingId"]
    roles = {"a": {"name": "a", "role": "memos"}, "b": {"name": "b", "role": "memos"}}
    answered = room.ask("Mailbox/set", create=roles)
    assert (["a"], ["b"]) == (list(answered["created"]), list(answered["notCreated"]))


def test_two_can_swap_names_and_roles_in_one_call(room: Room) -> None:
    a, b = room.mailbox("a", role="memos"), room.mailbox("b", role="snoozed")
    update = {a: {"name": "b", "role": "snoozed"}, b: {"name": "a", "role": "memos"}}
    assert room.ask("Mailbox/set", update=update)["notUpdated"] is None
    assert ("b", "snoozed") == tuple(
        room.one("Mailbox", a, "name", "role")[name] for name in ("name", "role")
    )


def test_a_holder_of_the_name_that_changes_otherwise_keeps_it(room: Room) -> None:
    first = room.mailbox("same")
    answered = room.ask("Mailbox/set", create={"k": {"name": "same"}}, update={first: {"sortOrder": 5}})
    assert first == answered["notCreated"]["k"]["existingId"]
    assert [first] == list(answered["updated"])


def test_a_mailbox_can_not_be_inside_itself(room: Room) -> None:
    a = room.mailbox("a")
    b = room.mailbox("b", parentId=a)
    c = room.mailbox("c", parentId=b)
    for update in ({a: {"parentId": a}}, {a: {"parentId": c}}):
        assert ["parentId"] == room.refused("Mailbox/set", "update", update)["properties"]


def test_a_loop_made_by_two_changes_is_refused(room: Room) -> None:
    a, b = room.mailbox("a"), room.mailbox("b")
    room.ask("Mailbox/set", update={a: {"parentId": b}, b: {"parentId": a}})
    assert None in [room.one("Mailbox", id)["parentId"] for id in (a, b)]


def test_the_tree_has_a_depth(room: Room) -> None:
    parent = None
    ids = []
    for level in range(30):
        parent = room.mailbox(f"level {level}", parentId=parent)
        ids.append(parent)
    error = room.refused("Mailbox/set", "create", {"k": {"name": "too deep", "parentId": parent}})
    assert ["parentId"] == error["properties"]
    top = room.mailbox("top")
    error = room.refused("Mailbox/set", "update", {ids[0]: {"parentId": top}})
    assert ["parentId"] == error["properties"]
    assert room.ask("Mailbox/set", update={ids[1]: {"parentId": top}})["notUpdated"] is None


def test_creation_ids_make_a_tree_in_one_call_in_any_order(room: Room) -> None:
    create = {"c": {"name": "c", "parentId": "#b"}, "b": {"name": "b", "parentId": "#a"}, "a": {"name": "a"}}
    created = room.ask("Mailbox/set", create=create)["created"]
    assert created["b"]["id"] == room.one("Mailbox", created["c"]["id"])["parentId"]


def test_a_parent_stays_while_it_has_children(room: Room) -> None:
    parent = room.mailbox("parent")
    child = room.mailbox("child", parentId=parent)
    for remove in (False, True):
        answered = room.ask("Mailbox/set", destroy=[parent], onDestroyRemoveEmails=remove)
        assert "mailboxHasChild" == answered["notDestroyed"][parent]["type"]
    assert [parent, child] == sorted(room.ask("Mailbox/set", destroy=[parent, child])["destroyed"])


def test_a_parent_whose_child_stays_stays_too(room: Room) -> None:
    parent = room.mailbox("parent")
    child = room.mailbox("child", parentId=parent)
    room.imported(message(), mailboxIds={child: True})
    refused = room.ask("Mailbox/set", destroy=[parent, child])["notDestroyed"]
    assert ("mailboxHasChild", "mailboxHasEmail") == (refused[parent]["type"], refused[child]["type"])


def test_emails_go_with_their_only_mailbox(room: Room) -> None:
    box = room.mailbox("box")
    only = room.imported(message("only"), mailboxIds={box: True})
    both = room.imported(message("both"), mailboxIds={box: True, room.role["inbox"]: True})
    refused = room.ask("Mailbox/set", destroy=[box])["notDestroyed"]
    assert "mailboxHasEmail" == refused[box]["type"]
    assert [box] == room.ask("Mailbox/set", destroy=[box], onDestroyRemoveEmails=True)["destroyed"]
    assert [only] == room.ask("Email/get", ids=[only, both], properties=["id"])["notFound"]
    assert {room.role["inbox"]: True} == room.one("Email", both, "mailboxIds")["mailboxIds"]
    room.check_counts()


def test_tree_queries_keep_to_the_tree(room: Room) -> None:
    b = room.mailbox("b", sortOrder=1000)
    a = room.mailbox("a", sortOrder=1001)
    inside = room.mailbox("z", parentId=b, sortOrder=1002)
    sort = [{"property": "sortOrder"}]
    assert [b, inside, a] == room.found("Mailbox", sort=sort, sortAsTree=True)[-3:]
    assert [] == room.found("Mailbox", filter={"name": "z"}, filterAsTree=True)
    assert [inside] == room.found("Mailbox", filter={"name": "Z"})


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ({"role": "inbox"}, {"Inbox"}),
        ({"role": None}, {"plain", "child"}),
        ({"hasAnyRole": False}, {"plain", "child"}),
        ({"name": "PLAI"}, {"plain"}),
        ({"isSubscribed": False}, {"plain"}),
        ({"parentId": None, "hasAnyRole": False}, {"plain"}),
    ],
)
def test_filters(room: Room, filter: dict[str, Any], names: set[str]) -> None:
    plain = room.mailbox("plain", isSubscribed=False)
    room.mailbox("child", parentId=plain)
    found = room.ask("Mailbox/get", ids=room.found("Mailbox", filter=filter), properties=["name"])["list"]
    assert names == {one["name"] for one in found}
