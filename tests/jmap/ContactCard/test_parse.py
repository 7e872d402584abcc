"""ContactCard/parse, which no standard has."""

from __future__ import annotations

import base64

from posthouse.kit.limits import Limits
from rolodex.rolodex import PNG, Rolodex

VCARD = f"""BEGIN:VCARD
VERSION:3.0
FN:Ann Bee
N:Bee;Ann;;;
X-SHOE:42
PHOTO;ENCODING=b;TYPE=PNG:{base64.b64encode(PNG).decode()}
END:VCARD
""".encode()


def test_a_vcard_is_read_and_its_picture_is_a_blob(rolodex: Rolodex) -> None:
    blob = rolodex.upload(VCARD)
    card = rolodex.ask("ContactCard/parse", blobIds=[blob])["parsed"][blob]
    assert "Ann Bee" == card["name"]["full"]
    assert not {"id", "addressBookIds"} & card.keys()
    [photo] = card["media"].values()
    assert PNG == rolodex.bytes_of(photo["blobId"])
    made = rolodex.card(**card)
    assert card.items() <= rolodex.one("ContactCard", made).items()


def test_properties_are_picked(rolodex: Rolodex) -> None:
    blob = rolodex.upload(VCARD)
    answered = rolodex.ask("ContactCard/parse", blobIds=[blob], properties=["version", "uid"])
    assert {blob: {"version": "2.0"}} == answered["parsed"]
    error = rolodex.refusal("ContactCard/parse", blobIds=[blob], properties=["name/given"])
    assert "invalidArguments" == error["type"]


def test_what_holds_no_card_or_several_is_not_parsable(rolodex: Rolodex) -> None:
    none, two = rolodex.upload(b"hello"), rolodex.upload(VCARD + VCARD)
    answered = rolodex.ask("ContactCard/parse", blobIds=[none, two, "nothing", none])
    assert (None, {none, two}, ["nothing"]) == (
        answered["parsed"],
        set(answered["notParsable"]),
        answered["notFound"],
    )


def test_a_card_deeper_than_json_goes_is_not_parsable(rolodex: Rolodex) -> None:
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    data = b"BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nJSPROP;JSPTR=example.com:x:" + deep + b"\r\nEND:VCARD\r\n"
    blob = rolodex.upload(data)
    answered = rolodex.ask("ContactCard/parse", blobIds=[blob])
    assert blob in (answered["notParsable"] or answered["parsed"])


def test_so_many_blobs_are_parsed_at_once(rolodex: Rolodex) -> None:
    ids = ["b"] * 2 + [f"x{number}" for number in range(Limits().max_objects_in_get)]
    assert "requestTooLarge" == rolodex.refusal("ContactCard/parse", blobIds=ids)["type"]
