"""``posthouse import`` and ``export``: nothing missing, nothing doubled, also beside a server and after kill -9."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from posthouse.testing.client import Jmap

from .conftest import NAME, Commands

Writes = Callable[[int], Path]


def report(read: int, imported: int, there: int, skipped: int) -> str:
    return f"read: {read}\nimported: {imported}\nalready there: {there}\nskipped: {skipped}\n"


def subjects(client: Jmap) -> list[str]:
    """The subjects of all messages, sorted."""
    found: list[str] = []
    while page := client.ask("Email/query", position=len(found), limit=500)["ids"]:
        got = client.ask("Email/get", ids=page, properties=["subject"])["list"]
        found += [one["subject"] for one in got]
    return sorted(found)


def letters(count: int) -> list[str]:
    return sorted(f"Letter {number}" for number in range(count))


def test_an_import_twice_is_the_same_as_once(posthouse: Commands, mbox: Writes) -> None:
    posthouse.add()
    path = mbox(250)
    first = posthouse.run("import", NAME, path)
    assert (0, report(250, 250, 0, 0), "") == (first.returncode, first.stdout, first.stderr)
    again = posthouse.run("import", NAME, path)
    assert (0, report(250, 0, 250, 0), "") == (again.returncode, again.stdout, again.stderr)
    with posthouse.serving("serve") as server:
        client = server.client()
        assert letters(250) == subjects(client)
        (filed,) = client.ask("Mailbox/query", filter={"name": "Letters"})["ids"]
        assert 250 == client.ask("Mailbox/get", ids=[filed])["list"][0]["totalEmails"]


def test_the_same_bytes_elsewhere_are_the_same_email_in_two_mailboxes(
    posthouse: Commands, mbox: Writes
) -> None:
    posthouse.add()
    path = mbox(3)
    posthouse.run("import", NAME, path)
    twin = path.rename(path.with_name("Copies.mbox"))
    assert report(3, 0, 3, 0) == posthouse.run("import", NAME, twin).stdout
    with posthouse.serving("serve") as server:
        got = server.client().ask("Email/get", ids=None, properties=["mailboxIds"])["list"]
        assert [2, 2, 2] == [len(one["mailboxIds"]) for one in got]


def test_what_is_skipped_is_told_with_its_reason_and_ends_with_3(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "a.eml").write_bytes(b"Subject: one\n\ntext\n")
    (folder / "b.eml").write_bytes(b"")
    (folder / "c.jpeg").write_bytes(b"\xff\xd8\xff\xe0 no message")
    ended = posthouse.run("import", NAME, folder)
    assert 3 == ended.returncode
    told = f"skipped {folder}/b.eml: empty file\nskipped {folder}/c.jpeg: neither a message nor a vCard\n"
    assert told + report(3, 1, 0, 2) + "  1  empty file\n  1  neither a message nor a vCard\n" == ended.stdout


def test_a_path_that_is_not_there_stops_before_anything_is_imported(
    posthouse: Commands, mbox: Writes
) -> None:
    posthouse.add()
    ended = posthouse.run("import", NAME, mbox(3), "nowhere")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "posthouse: nowhere: there is no such file or directory\n" == ended.stderr
    with posthouse.serving("serve") as server:
        assert [] == subjects(server.client())


def test_mailboxes_are_found_by_their_role_or_path_and_made_where_they_are_missing(
    posthouse: Commands, tmp_path: Path
) -> None:
    posthouse.add()
    home = tmp_path / "Maildir"
    for folder in (home, home / ".Gesendet", home / ".Projects.Posthouse", home / ".INBOX.Later"):
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(parents=True)
        (folder / "cur" / "1400000000.1.host:2,FS").write_bytes(
            b"Subject: %s\n\ntext\n" % folder.name.encode()
        )
    assert report(4, 4, 0, 0) == posthouse.run("import", NAME, home).stdout
    with posthouse.serving("serve") as server:
        client = server.client()
        mailboxes = {one["id"]: one for one in client.ask("Mailbox/get")["list"]}
        got = client.ask(
            "Email/get", ids=None, properties=["subject", "mailboxIds", "keywords", "receivedAt"]
        )
    paths = {}
    for one in got["list"]:
        (at,) = one["mailboxIds"]
        path = [mailboxes[at]["role"] or mailboxes[at]["name"]]
        while (at := mailboxes[at]["parentId"]) is not None:
            path.insert(0, mailboxes[at]["role"] or mailboxes[at]["name"])
        paths[one["subject"]] = "/".join(path)
        assert {"$seen": True, "$flagged": True} == one["keywords"]
        assert "2014-05-13T16:53:20Z" == one["receivedAt"]
    assert {
        "Maildir": "inbox",
        ".Gesendet": "sent",
        ".Projects.Posthouse": "Projects/Posthouse",
        ".INBOX.Later": "inbox/Later",
    } == paths


def test_a_conversation_is_one_thread_whatever_the_order_in_the_file(
    posthouse: Commands, tmp_path: Path
) -> None:
    posthouse.add()
    path = tmp_path / "thread.mbox"
    with path.open("wb") as file:
        # The link between the two halves comes last.
        for id, cited in (("a", ""), ("c", "b"), ("b", "a")):
            file.write(
                b"From x\nMessage-ID: <%s@x>\nReferences: %s\nSubject: Re: Lunch\n\n%s\n\n"
                % (id.encode(), f"<{cited}@x>".encode() if cited else b"", id.encode() * 50)
            )
    posthouse.run("import", NAME, path)
    with posthouse.serving("serve") as server:
        got = server.client().ask("Email/get", ids=None, properties=["threadId"])["list"]
    assert 3 == len(got)
    assert 1 == len({one["threadId"] for one in got})


def test_an_import_while_serving_is_seen_as_changes(posthouse: Commands, mbox: Writes) -> None:
    posthouse.add()
    with posthouse.serving("serve", "--workers", "2") as server:
        client = server.client()
        before = client.ask("Email/get", ids=[])["state"]
        mailboxes = client.ask("Mailbox/get", ids=[])["state"]
        assert report(150, 150, 0, 0) == posthouse.run("import", NAME, mbox(150)).stdout
        changes = client.ask("Email/changes", sinceState=before)
        assert (150, [], []) == (len(changes["created"]), changes["updated"], changes["destroyed"])
        made = client.ask("Mailbox/changes", sinceState=mailboxes)["created"]
        assert ["Letters"] == [one["name"] for one in client.ask("Mailbox/get", ids=made)["list"]]
        assert letters(150) == subjects(client)


def test_an_import_that_is_killed_goes_on_where_it_was(posthouse: Commands, mbox: Writes) -> None:
    posthouse.add()
    path = mbox(3000)
    with posthouse.serving("serve") as server:
        client = server.client()
        kills = 0
        for wanted in (100, 700, 1500):
            with posthouse.start("import", NAME, path) as importing:
                while importing.poll() is None:
                    if client.ask("Email/query", calculateTotal=True, limit=0)["total"] >= wanted:
                        importing.kill()
                        break
                importing.communicate()
                kills += importing.returncode == -signal.SIGKILL
        assert kills, "the import was too fast to be killed"
        there = client.ask("Email/query", calculateTotal=True, limit=0)["total"]
        assert report(3000, 3000 - there, there, 0) == posthouse.run("import", NAME, path).stdout
        assert letters(3000) == subjects(client)
        (filed,) = client.ask("Mailbox/query", filter={"name": "Letters"})["ids"]
        assert 3000 == client.ask("Mailbox/get", ids=[filed])["list"][0]["totalEmails"]


def test_an_import_that_is_interrupted_ends_with_130_and_can_be_run_again(
    posthouse: Commands, mbox: Writes
) -> None:
    posthouse.add()
    path = mbox(8000)
    with posthouse.serving("serve") as server:
        client = server.client()
        with posthouse.start("import", NAME, path) as importing:
            while importing.poll() is None:
                if client.ask("Email/query", calculateTotal=True, limit=0)["total"] >= 100:
                    importing.send_signal(signal.SIGINT)
                    break
            said, complained = importing.communicate()
        assert (130, "") == (importing.returncode, said)
        assert complained.endswith("posthouse: interrupted\n")
        assert "Traceback" not in complained
        posthouse.run("import", NAME, path)
        assert letters(8000) == subjects(client)


def test_export_then_import_gives_the_same_mail(posthouse: Commands, tmp_path: Path) -> None:
    with posthouse.serving("demo") as server:
        before = snapshot(server.client("demo@example.org", "demo"))
    for form in ("maildir", "mbox"):
        out = tmp_path / form
        ended = posthouse.run("export", "demo@example.org", out, "--format", form)
        assert (0, f"exported 400 messages to {out}\n") == (ended.returncode, ended.stdout)
        other = Commands(tmp_path / f"{form}-data")
        other.add()
        ended = other.run("import", NAME, out)
        assert 0 == ended.returncode, ended.stdout
        with other.serving("serve") as server:
            assert before == snapshot(server.client())


def snapshot(client: Jmap) -> set[object]:
    """Each Email by its bytes, with the mailboxes' names, the keywords and the time."""
    names = {one["id"]: one["name"] for one in client.ask("Mailbox/get")["list"]}
    wanted = ["blobId", "mailboxIds", "keywords", "receivedAt"]
    got = client.ask("Email/get", ids=None, properties=wanted)["list"]
    return {
        (
            one["blobId"],
            frozenset(names[id] for id in one["mailboxIds"]),
            frozenset(one["keywords"]),
            one["receivedAt"],
        )
        for one in got
    }


def test_an_export_goes_into_a_new_directory_only(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    ended = posthouse.run("export", NAME, tmp_path / "full")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert f"posthouse: {tmp_path / 'full'}: is not empty; name a directory that is new\n" == ended.stderr
