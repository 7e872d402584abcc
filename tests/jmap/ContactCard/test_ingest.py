"""vCards from outside become cards, each once."""

from __future__ import annotations

from posthouse.capabilities.contacts import ingest, vcards
from posthouse.capabilities.contacts.contactcard import contact_card
from posthouse.capabilities.contacts.ingest import BOOK_MARK, Found
from posthouse.formats import vcard
from rolodex.rolodex import Rolodex


def merged(rolodex: Rolodex, *cards: str) -> list[Found]:
    """File vCards, each given by its lines, in one transaction."""
    data = "".join(f"BEGIN:VCARD\nVERSION:4.0\nFN:x\n{lines}\nEND:VCARD\n" for lines in cards)
    prepared = [ingest.digest(rolodex._blobs, card) for card in vcard.read(data.encode())]
    return rolodex.write(lambda txn: ingest.merge(txn, prepared))


def books(rolodex: Rolodex) -> dict[str, str]:
    return {one["id"]: one["name"] for one in rolodex.ask("AddressBook/get")["list"]}


def placed(rolodex: Rolodex) -> list[list[str]]:
    """The names of the books of each card."""
    names = books(rolodex)
    cards = rolodex.ask("ContactCard/get")["list"]
    return [sorted(names[id] for id in card["addressBookIds"]) for card in cards]


def test_a_card_is_known_by_its_uid(rolodex: Rolodex) -> None:
    assert [Found.NEW, Found.THERE, Found.NEW] == merged(rolodex, "UID:a", "UID:a\nNOTE:new", "UID:b")
    assert [Found.THERE] == merged(rolodex, "UID:b\nNOTE:new")
    assert [] == rolodex.matching(text="new")


def test_a_card_without_a_uid_is_known_by_all_that_it_says(rolodex: Rolodex) -> None:
    assert [Found.NEW, Found.THERE, Found.NEW] == merged(
        rolodex, "NOTE:a", "NOTE:a\nREV:20200101T000000Z", "NOTE:b"
    )
    assert [Found.THERE, Found.NEW] == merged(rolodex, "NOTE:a", "NOTE:c")


def test_a_card_that_was_destroyed_is_new_again_and_then_known(rolodex: Rolodex) -> None:
    for lines in ("NOTE:a", "UID:a"):
        merged(rolodex, lines)
        rolodex.ask("ContactCard/set", destroy=rolodex.found("ContactCard"))
        assert [[Found.NEW], [Found.THERE]] == [merged(rolodex, lines), merged(rolodex, lines)]


def test_a_card_gains_the_books_it_names_and_they_are_made(rolodex: Rolodex) -> None:
    assert [Found.NEW, Found.ELSEWHERE] == merged(rolodex, "UID:a", f"UID:a\n{BOOK_MARK}:Work\\, all")
    assert [["Contacts", "Work, all"]] == placed(rolodex)
    marks = f"{BOOK_MARK}:Work\\, all\n{BOOK_MARK}:Home"
    assert [Found.ELSEWHERE, Found.NEW] == merged(rolodex, f"UID:a\n{marks}", f"UID:b\n{marks}")
    assert [["Contacts", "Home", "Work, all"], ["Home", "Work, all"]] == placed(rolodex)
    assert 3 == len(books(rolodex))


def test_a_book_that_can_not_be_is_the_default_one(rolodex: Rolodex) -> None:
    merged(rolodex, f"UID:a\n{BOOK_MARK}:{'x' * 256}")
    assert [["Contacts"]] == placed(rolodex)


def test_a_default_book_is_made_if_there_is_none(rolodex: Rolodex) -> None:
    rolodex.ask("AddressBook/set", destroy=[rolodex.default])
    merged(rolodex, "UID:a")
    [book] = rolodex.ask("AddressBook/get")["list"]
    assert book["isDefault"] is True


def test_a_photo_that_is_no_image_stays_as_it_came(rolodex: Rolodex) -> None:
    uri = "data:image/png;base64,AAAA"
    merged(rolodex, f"UID:a\nPHOTO:{uri}")
    [card] = rolodex.ask("ContactCard/get")["list"]
    assert [uri] == [medium["uri"] for medium in card["media"].values()]
    rolodex.update(card["id"], keywords={"x": True})


def test_a_card_too_large_for_a_client_is_none_for_us(rolodex: Rolodex) -> None:
    no_image = b"PHOTO:data:image/png;base64," + b"A" * 1_000_000
    [card] = vcard.read(b"BEGIN:VCARD\nFN:x\n" + no_image + b"\nEND:VCARD\n")
    fault = ingest.digest(rolodex._blobs, card).fault
    assert fault is not None and "larger" in fault


def test_what_is_written_is_read_to_the_same_card(rolodex: Rolodex) -> None:
    picture = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    merged(rolodex, f"UID:a\nPHOTO:{picture}\nX-FOO:bar\n{BOOK_MARK}:Work")
    [before] = rolodex.ask("ContactCard/get")["list"]
    assert {"kind", "blobId", "mediaType"} == {*next(iter(before["media"].values()))}
    [text] = rolodex.read(lambda txn: vcards.written(txn, rolodex._blobs, txn.ids(contact_card)))
    rolodex.ask("ContactCard/set", destroy=[before["id"]])
    prepared = [ingest.digest(rolodex._blobs, card) for card in vcard.read(text)]
    assert [Found.NEW] == rolodex.write(lambda txn: ingest.merge(txn, prepared))
    [after] = rolodex.ask("ContactCard/get")["list"]
    assert before == after | {"id": before["id"]}
