"""``posthouse import`` and ``export`` of contacts: each card once, and nothing lost on the way."""

from __future__ import annotations

import base64
from pathlib import Path

from .conftest import NAME, Commands

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
ANN = f"""BEGIN:VCARD\r
VERSION:3.0\r
N:Bee;Ann;;;\r
FN:Ann Bee\r
EMAIL;TYPE=WORK:ann@example.org\r
PHOTO;ENCODING=b;TYPE=PNG:{PICTURE}\r
X-SHOE-SIZE:42\r
END:VCARD\r
"""
BOB = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:bob\r\nFN:Bob\r\nEND:VCARD\r\n"
CUT = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:cut\r\nFN:Cut short\r\n"


def report(read: int, imported: int, there: int, skipped: int) -> str:
    return f"read: {read}\nimported: {imported}\nalready there: {there}\nskipped: {skipped}\n"


def test_cards_are_there_once_and_leave_as_they_came(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    source = tmp_path / "phone.vcf"
    source.write_text(ANN + BOB, newline="")
    for expected in (report(2, 2, 0, 0), report(2, 0, 2, 0)):
        ended = posthouse.run("import", NAME, source)
        assert (0, expected, "") == (ended.returncode, ended.stdout, ended.stderr)
    with posthouse.serving("serve") as server:
        client = server.client()
        created = client.ask(
            "AddressBook/set", create={"k": {"name": "Bücher; und, mehr"}}, onSuccessSetIsDefault="#k"
        )["created"]["k"]["id"]
        [bob] = client.ask("ContactCard/query", filter={"uid": "urn:uuid:bob"})["ids"]
        patch = {"update": {bob: {"notes": {"n": {"note": "two\nlines"}}, f"addressBookIds/{created}": True}}}
        assert bob in client.ask("ContactCard/set", **patch)["updated"]
        eve = {"addressBookIds": {created: True}, "name": {"full": "Eve"}}
        assert client.ask("ContactCard/set", create={"k": eve})["created"]["k"]["uid"]
        before = {one.get("uid"): one for one in client.ask("ContactCard/get", ids=None)["list"]}
    target = tmp_path / "export"
    ended = posthouse.run("export", NAME, target)
    assert f"exported 0 messages and 3 cards to {target}\n" == ended.stdout
    assert report(3, 0, 3, 0) == posthouse.run("import", NAME, target).stdout
    other = "other@example.org"
    posthouse.run("account", "add", other)
    assert report(3, 3, 0, 0) == posthouse.run("import", other, target).stdout
    again = tmp_path / "again"
    posthouse.run("export", other, again)
    assert (target / "contacts.vcf").read_bytes() == (again / "contacts.vcf").read_bytes()
    assert {"urn:uuid:bob", None} <= before.keys()
    assert ["photo"] == [one["kind"] for one in before[None]["media"].values()]


def test_what_is_left_out_is_told_and_ends_with_3(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    (tmp_path / "a.vcf").write_text("no card at all")
    (tmp_path / "b.vcf").write_text(BOB + "BEGIN:VCARD\r\nEND:VCARD\r\n" + CUT, newline="")
    ended = posthouse.run("import", NAME, tmp_path / "a.vcf", tmp_path / "b.vcf")
    told = ended.stdout.splitlines()
    assert 3 == ended.returncode
    assert f"skipped {tmp_path}/a.vcf: no vCard in it" in told
    assert f"skipped {tmp_path}/b.vcf, card 2 at line 6: empty card" in told
    assert {"read: 4", "imported: 2", "already there: 0", "skipped: 2"} <= set(told)
    assert ["parts of cards left out: 1", "  1  the card has no END"] == told[-2:]


def test_an_account_without_cards_exports_none(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    target = tmp_path / "export"
    assert f"exported 0 messages to {target}\n" == posthouse.run("export", NAME, target).stdout
    assert not (target / "contacts.vcf").exists()
