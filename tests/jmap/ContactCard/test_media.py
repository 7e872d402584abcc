"""Pictures and sounds of cards, as blobs (RFC 9610 §3, §3.5)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from bakery.kitchen import BAKER
from posthouse.capabilities.contacts import media
from posthouse.model import blobid
from posthouse.model.caller import Caller
from rolodex.rolodex import PNG, Rolodex

JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
TEXT = b"hello, I am no picture"


def data_uri(data: bytes, type: str = "image/png") -> str:
    return f"data:{type};base64,{base64.b64encode(data).decode()}"


def photo(**values: Any) -> dict[str, Any]:
    return {"p": {"kind": "photo", **values}}


def id_of(data: bytes) -> str:
    return blobid.encode(hashlib.sha256(data).digest())


def test_an_uploaded_picture_becomes_the_photo(rolodex: Rolodex) -> None:
    blob = rolodex.upload(PNG)
    created = rolodex.ask("ContactCard/set", create={"k": rolodex.full(media=photo(blobId=blob))})
    expected = photo(blobId=blob, mediaType="image/png")
    assert expected == created["created"]["k"]["media"]
    assert expected == rolodex.one("ContactCard", created["created"]["k"]["id"])["media"]


def test_a_data_uri_is_stored_as_a_blob(rolodex: Rolodex) -> None:
    """Any Media with a URI that uses the "data:" URL scheme SHOULD return a "blobId" property and omit the "uri"
    property. The "mediaType" property MUST also be set (RFC 9610 §3)."""
    id = rolodex.card(media=photo(uri=data_uri(PNG), label="me"))
    assert (
        photo(blobId=id_of(PNG), mediaType="image/png", label="me")
        == (rolodex.one("ContactCard", id)["media"])
    )
    assert PNG == rolodex.bytes_of(id_of(PNG))


@pytest.mark.parametrize(
    "uri", ["data:,x%20y", "data:text/plain;charset=utf-8,x%20y", "DATA:text/plain;BASE64,eCB5"]
)
def test_data_uris_of_all_forms_are_read(rolodex: Rolodex, uri: str) -> None:
    id = rolodex.card(media={"s": {"kind": "sound", "uri": uri}})
    [found] = rolodex.one("ContactCard", id)["media"].values()
    assert b"x y" == rolodex.bytes_of(found["blobId"])
    assert found["mediaType"] in ("text/plain", "application/octet-stream")


def test_a_picture_elsewhere_stays_where_it_is(rolodex: Rolodex) -> None:
    given = photo(uri="https://example.org/me.png")
    assert given == rolodex.one("ContactCard", rolodex.card(media=given))["media"]


def test_a_data_uri_beside_a_blob_is_dropped(rolodex: Rolodex) -> None:
    id = rolodex.card(media=photo(uri=data_uri(JPEG), blobId=rolodex.upload(PNG)))
    assert photo(blobId=id_of(PNG), mediaType="image/png") == rolodex.one("ContactCard", id)["media"]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"blobId": id_of(TEXT)}, "blobId"),
        ({"uri": data_uri(TEXT)}, "uri"),
        ({"uri": "data:image/png;base64,A"}, "uri"),
        ({"uri": "data:nothing"}, "uri"),
        ({"blobId": id_of(JPEG)}, "blobId"),
        ({"blobId": "nonsense"}, "blobId"),
    ],
)
def test_a_photo_that_is_no_image_is_refused(rolodex: Rolodex, given: dict[str, str], wrong: str) -> None:
    """The server MUST reject attempts to set a file that is not a recognised image type as the photo for a
    card (RFC 9610 §3.5)."""
    rolodex.upload(TEXT)
    error = rolodex.refused("ContactCard/set", "create", {"k": rolodex.full(media=photo(**given))})
    assert ("invalidProperties", [f"media/p/{wrong}"]) == (error["type"], error["properties"])
    id = rolodex.card()
    error = rolodex.refused("ContactCard/set", "update", {id: {"media": photo(**given)}})
    assert [f"media/p/{wrong}"] == error["properties"]


def test_a_patch_brings_a_new_picture(rolodex: Rolodex) -> None:
    id = rolodex.card(media=photo(uri=data_uri(PNG)))
    told = rolodex.patch(id, {"media/p/blobId": rolodex.upload(JPEG)})
    expected = photo(blobId=id_of(JPEG), mediaType="image/jpeg")
    assert expected == told["media"] == rolodex.one("ContactCard", id)["media"]
    told = rolodex.patch(id, {"media/q": {"kind": "logo", "uri": data_uri(TEXT, "image/svg+xml")}})
    assert {"kind": "logo", "blobId": id_of(TEXT), "mediaType": "image/svg+xml"} == told["media"]["q"]


def test_patches_of_one_card_under_two_names_both_count(rolodex: Rolodex) -> None:
    png, jpeg = rolodex.upload(PNG), rolodex.upload(JPEG)
    answered = rolodex.ask(
        "ContactCard/set",
        create={"k": rolodex.full(media=photo(blobId=png))},
        update={"#k": {"media/q": {"kind": "photo", "blobId": jpeg}}},
    )
    found = rolodex.one("ContactCard", answered["created"]["k"]["id"])["media"]
    assert {"p": png, "q": jpeg} == {key: one["blobId"] for key, one in found.items()}


def test_other_changes_leave_a_picture_alone(rolodex: Rolodex) -> None:
    id = rolodex.card(media=photo(uri=data_uri(PNG)))
    rolodex.patch(id, {"media/p/label": "old", "kind": "org"})
    assert (
        photo(blobId=id_of(PNG), mediaType="image/png", label="old")
        == (rolodex.one("ContactCard", id)["media"])
    )


def test_what_was_no_photo_has_to_be_named_again_to_be_one(rolodex: Rolodex) -> None:
    id = rolodex.card(media={"p": {"kind": "sound", "uri": data_uri(TEXT)}})
    error = rolodex.refused("ContactCard/set", "update", {id: {"media/p/kind": "photo"}})
    assert ["media/p/kind"] == error["properties"]


def test_a_blob_in_a_localization_has_to_be_there(rolodex: Rolodex) -> None:
    values = {"media": photo(uri=data_uri(PNG)), "localizations": {"de": {"media/p/blobId": id_of(JPEG)}}}
    error = rolodex.refused("ContactCard/set", "create", {"k": rolodex.full(**values)})
    assert ["localizations/de"] == error["properties"]
    rolodex.upload(JPEG)
    id = rolodex.card(**values)
    assert {"de": {"media/p/blobId": id_of(JPEG)}} == rolodex.one("ContactCard", id)["localizations"]
    assert holds(rolodex, JPEG)
    gif = rolodex.upload(b"GIF89a")
    rolodex.patch(id, {"localizations/de/media~1p~1blobId": gif})
    assert (False, True) == (holds(rolodex, JPEG), holds(rolodex, b"GIF89a"))


def holds(rolodex: Rolodex, data: bytes) -> bool:
    """Say whether a card keeps some bytes."""
    digest = hashlib.sha256(data).digest()
    return (
        rolodex.read(lambda txn: txn._database.one("SELECT 1 FROM blobref WHERE digest = ?", (digest,)))
        is not None
    )


def test_a_card_keeps_its_pictures_as_long_as_it_has_them(rolodex: Rolodex) -> None:
    id = rolodex.card(media=photo(uri=data_uri(PNG)))
    assert holds(rolodex, PNG)
    rolodex.patch(id, {"media/p": {"kind": "photo", "uri": data_uri(JPEG)}})
    assert (False, True) == (holds(rolodex, PNG), holds(rolodex, JPEG))
    rolodex.patch(id, {"media": None})
    assert not holds(rolodex, JPEG)
    rolodex.patch(id, {"media": photo(uri=data_uri(PNG))})
    rolodex.ask("ContactCard/set", destroy=[id])
    assert not holds(rolodex, PNG)


def test_who_may_not_read_a_blob_can_not_have_it_as_a_photo(rolodex: Rolodex) -> None:
    blob = rolodex.upload(PNG)
    stranger = Caller(8, "stranger", BAKER.accounts, "stranger")
    call = (
        "ContactCard/set",
        {"accountId": "a1", "create": {"k": rolodex.full(media=photo(blobId=blob))}},
        "0",
    )
    [[_, answered, _]] = rolodex.answer(call, caller=stranger)["methodResponses"]
    assert ["media/p/blobId"] == answered["notCreated"]["k"]["properties"]


def test_a_part_of_a_message_becomes_a_blob_of_its_own(rolodex: Rolodex) -> None:
    whole = b"junk" + PNG + b"junk"
    rolodex.upload(whole)
    part = blobid.encode_part(hashlib.sha256(whole).digest(), 4, len(PNG), "")
    id = rolodex.card(media=photo(blobId=part))
    assert id_of(PNG) == rolodex.one("ContactCard", id)["media"]["p"]["blobId"]


@pytest.mark.parametrize(
    ("start", "type"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"II*\0\x08", "image/tiff"),
        (b"BM\x10\0\0\0\0\0\0\0", "image/bmp"),
        (b"\0\0\1\0\1\0", "image/vnd.microsoft.icon"),
        (b"<svg", None),
        (b"", None),
    ],
)
def test_images_are_recognised(start: bytes, type: str | None) -> None:
    assert type == media.image_type(start)
