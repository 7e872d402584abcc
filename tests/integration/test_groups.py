"""Groups made by commands beside a running server, as their members see them (RFC 9670 §1.4, §2)."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from wire.events import QUERY, Events

from .conftest import NAME, PASSWORD, Commands, Process

BOB = "bob@example.org"
TEAM = "team@example.org"


def accounts(server: Process, name: str) -> dict[str, tuple[str, bool]]:
    """The accounts that a person's session shows, by name: id, and whether it is his own."""
    shown: dict[str, Any] = server.client(name).session["accounts"]
    return {one["name"]: (wire, one["isPersonal"]) for wire, one in shown.items()}


def done(posthouse: Commands, *arguments: str | Path) -> str:
    """Run a command that succeeds and give what it prints."""
    ended = posthouse.run(*arguments)
    assert (0, "") == (ended.returncode, ended.stderr)
    return ended.stdout


def test_members_have_the_account_from_the_next_request_on_and_lose_it_so(
    posthouse: Commands, tmp_path: Path
) -> None:
    posthouse.add()
    posthouse.add(BOB)
    letter = tmp_path / "a.eml"
    letter.write_bytes(b"Subject: to all of us\n\ntext\n")
    with posthouse.serving("serve") as server:
        assert TEAM not in accounts(server, NAME)
        assert f"added {TEAM}\n" == done(posthouse, "group", "add", TEAM)
        done(posthouse, "import", TEAM, letter)
        said = done(posthouse, "group", "join", TEAM, NAME, BOB)
        assert f"{NAME} is in {TEAM}\n{BOB} is in {TEAM}\n" == said
        for name in (NAME, BOB):
            wire, is_personal = accounts(server, name)[TEAM]
            assert not is_personal
            client = server.client(name)
            assert 1 == len(client.ask("Email/query", accountId=wire)["ids"])
            assert [TEAM] == [one["email"] for one in client.ask("Identity/get", accountId=wire)["list"]]
            mailboxes = client.ask("Mailbox/get", accountId=wire)["list"]
            assert {True} == {one["isSubscribed"] for one in mailboxes}
        assert f"{BOB} is not in {TEAM}\n" == done(posthouse, "group", "leave", TEAM, BOB)
        assert TEAM not in accounts(server, BOB)
        answer, values, _ = server.client(BOB).call(("Email/query", {"accountId": wire}))[0]
        assert ("error", "accountNotFound") == (answer, values["type"])
        assert TEAM in accounts(server, NAME)
        done(posthouse, "group", "remove", TEAM, "--yes")
        assert TEAM not in accounts(server, NAME)


def test_who_is_connected_stays_so_and_hears_of_a_new_account(posthouse: Commands) -> None:
    posthouse.add()
    done(posthouse, "group", "add", TEAM)
    authorization = "Basic " + b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
    with (
        posthouse.serving("serve") as server,
        Events(f"{server.url}/jmap/eventsource/?{QUERY}", authorization=authorization) as events,
    ):
        events.welcome()
        done(posthouse, "group", "join", TEAM, NAME)
        wire, _ = accounts(server, NAME)[TEAM]
        server.client().call(("Mailbox/set", {"accountId": wire, "create": {"k": {"name": "New"}}}))
        told: set[str] = set()
        while "Mailbox" not in told:
            event = events.next()
            assert event is not None
            told |= set(event.data["changed"].get(wire, ()))


def test_groups_are_listed_apart_from_accounts(posthouse: Commands) -> None:
    posthouse.add()
    done(posthouse, "group", "add", TEAM)
    done(posthouse, "group", "add", "room@example.org", "--type", "location")
    done(posthouse, "group", "join", TEAM, NAME)
    assert f"room@example.org\n{TEAM}\n" == done(posthouse, "group", "list")
    assert f"{NAME}\n" == done(posthouse, "group", "list", TEAM)
    assert "" == done(posthouse, "group", "list", "room@example.org")
    assert f"{NAME}\n" == done(posthouse, "account", "list")


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("group", "add", NAME), 1, f"{NAME} exists already: posthouse account password"),
        (("group", "add", TEAM), 1, f"{TEAM} exists already: it is a group"),
        (("account", "add", TEAM), 1, f"{TEAM} exists already: it is a group"),
        (("group", "add", "nobody"), 1, "is not an email address"),
        (("group", "add", "x@example.org", "--type", "individual"), 2, "'individual' is not one of"),
        (("group", "list", NAME), 1, f"there is no group {NAME}: posthouse group list shows those there are"),
        (("group", "remove", "x@example.org"), 1, "there is no group x@example.org"),
        (("group", "join", TEAM), 2, "Missing argument 'MEMBER...'. See posthouse group join --help."),
        (("group", "join", TEAM, BOB), 1, f"there is no account {BOB}: posthouse account list shows"),
        (("group", "join", TEAM, TEAM), 1, f"{TEAM} is a group: only people can be in a group"),
        (("group", "join", TEAM, "zoe@elsewhere.example"), 1, "is of another domain than"),
        (("account", "remove", TEAM), 1, f"{TEAM} is a group: see posthouse group --help"),
        (("account", "password", TEAM), 1, f"{TEAM} is a group"),
        (("account", "token", TEAM), 1, f"{TEAM} is a group"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    both: Commands, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    ended = both.run(*arguments)
    assert code == ended.returncode, ended.stderr
    assert problem in ended.stderr
    assert 1 == ended.stderr.count("\n")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A folder with a person and a group, and a person of another domain."""
    posthouse = Commands(tmp_path_factory.mktemp("both") / "data")
    posthouse.add()
    posthouse.add("zoe@elsewhere.example")
    done(posthouse, "group", "add", TEAM)
    return posthouse
