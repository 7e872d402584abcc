"""AddressBook/get and /changes (RFC 9610 §2.1, §2.2)."""

from __future__ import annotations

from rolodex.rolodex import Rolodex

PROPERTIES = {
    *("id", "name", "description", "sortOrder", "isDefault", "isSubscribed", "shareWith", "myRights"),
}


def test_a_new_account_has_one_book_which_is_the_default(rolodex: Rolodex) -> None:
    [book] = rolodex.ask("AddressBook/get")["list"]
    rights = dict.fromkeys(("mayRead", "mayWrite", "mayShare", "mayDelete"), True)
    assert {
        "id": rolodex.default,
        "name": "Contacts",
        "description": None,
        "sortOrder": 0,
        "isDefault": True,
        "isSubscribed": True,
        "shareWith": None,
        "myRights": rights,
    } == book


def test_the_properties_are_those_of_the_standard(rolodex: Rolodex) -> None:
    assert PROPERTIES == rolodex.one("AddressBook", rolodex.default).keys()


def test_changes_tell_what_was_made_changed_and_destroyed(rolodex: Rolodex) -> None:
    gone = rolodex.book("gone")
    since = rolodex.state("AddressBook")
    made = rolodex.book("made")
    rolodex.ask("AddressBook/set", update={rolodex.default: {"name": "Mine"}}, destroy=[gone])
    changes = rolodex.ask("AddressBook/changes", sinceState=since)
    assert ([made], [rolodex.default], [gone]) == (
        changes["created"],
        changes["updated"],
        changes["destroyed"],
    )
