"""``posthouse demo``: from nothing to an answer."""

from __future__ import annotations

import base64
import signal
import socket
from pathlib import Path

from wire.events import Events

from .conftest import Commands

DEMO = ("demo@example.org", "demo")
FRIEND = "friend@example.org"


def test_a_demo_prints_where_it_is_and_who_may_sign_in_and_answers(posthouse: Commands) -> None:
    with posthouse.serving("demo") as server:
        for printed in (server.url, *DEMO, "friend@example.org", "friend", "curl -u"):
            assert printed in server.said
        assert "in use" not in server.said
        client = server.client(*DEMO)
        total = client.ask("Email/query", calculateTotal=True, limit=0)["total"]
        assert 400 == total
        assert [] == server.client("friend@example.org", "friend").ask("Email/query")["ids"]
        assert b"demo@example.org" in client.request("GET", server.url + "/").body
        assert 0 == server.end()


def test_a_demo_that_starts_again_has_the_same_mail(posthouse: Commands) -> None:
    with posthouse.serving("demo") as server:
        first = server.client(*DEMO).ask("Email/query")["ids"]
    assert 0 == posthouse.run("account", "password", DEMO[0], "--password-stdin", stdin="other\n").returncode
    with posthouse.serving("demo") as server:
        assert first == server.client(*DEMO).ask("Email/query")["ids"]


def test_ctrl_c_ends_a_demo_without_complaint(posthouse: Commands) -> None:
    with posthouse.serving("demo") as server:
        server.popen.send_signal(signal.SIGINT)
        assert 0 == server.popen.wait(30)
        assert server.popen.stderr is not None
        assert "" == server.popen.stderr.read()


def test_a_demo_is_for_this_machine_only(posthouse: Commands) -> None:
    ended = posthouse.run("demo", "--listen", "0.0.0.0:0")
    assert 1 == ended.returncode
    assert "for this machine only" in ended.stderr
    assert not posthouse.data.exists()


def test_a_demo_leaves_a_folder_with_other_accounts_alone(posthouse: Commands) -> None:
    posthouse.add()
    ended = posthouse.run("demo", "--listen", "127.0.0.1:0")
    assert 1 == ended.returncode
    assert "holds accounts already" in ended.stderr
    assert "ada@example.org\n" == posthouse.run("account", "list").stdout


def test_the_demos_folder_is_not_served_to_a_network(posthouse: Commands, tmp_path: Path) -> None:
    with posthouse.serving("demo") as server:
        server.end()
    config = tmp_path / "posthouse.toml"
    config.write_text('trusted_proxies = ["10.0.0.1"]')
    ended = posthouse.run("serve", "--config", config, "--listen", "127.0.0.1:0")
    assert 1 == ended.returncode
    assert "whose passwords everyone knows" in ended.stderr


def test_a_port_that_is_asked_for_and_in_use_is_told(posthouse: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        ended = posthouse.run("demo", "--listen", address)
    assert 1 == ended.returncode
    expected = (
        f"posthouse: {address} is in use: end the program that has it, or choose another with --listen\n"
    )
    assert expected == ended.stderr


def test_the_demo_users_write_to_each_other_at_once(posthouse: Commands) -> None:
    """By EmailSubmission, and the other is told by push."""
    with posthouse.serving("demo") as server:
        demo, friend = server.client(*DEMO), server.client(FRIEND, "friend")
        url = f"{server.url}/jmap/eventsource/?types=EmailDelivery&closeafter=no&ping=0"
        credentials = base64.b64encode(f"{FRIEND}:friend".encode()).decode()
        with Events(url, authorization=f"Basic {credentials}") as events:
            events.welcome()
            [drafts] = demo.ask("Mailbox/query", filter={"role": "drafts"})["ids"]
            mail = {
                "mailboxIds": {drafts: True},
                "from": [{"email": DEMO[0]}],
                "to": [{"email": FRIEND}],
                "subject": "at once",
            }
            made = demo.ask("Email/set", create={"m": mail})["created"]["m"]["id"]
            identity = demo.ask("Identity/get")["list"][0]["id"]
            submission = {"emailId": made, "identityId": identity}
            assert demo.ask("EmailSubmission/set", create={"s": submission})["created"]
            assert events.next() is not None
        [found] = friend.ask("Email/query", filter={"subject": "at once"})["ids"]
        [email] = friend.ask("Email/get", ids=[found], properties=["from", "mailboxIds"])["list"]
        assert DEMO[0] == email["from"][0]["email"]
        [inbox] = friend.ask("Mailbox/query", filter={"role": "inbox"})["ids"]
        assert {inbox: True} == email["mailboxIds"]
