"""Account commands beside a running server, exit codes, and errors in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import NAME, PASSWORD, Commands, Process


def status(server: Process, name: str, password: str) -> int:
    """Say what the session answers to this credential."""
    return server.client(name, password).request("GET", server.url + "/jmap/session").status


def test_a_running_server_sees_a_new_password_at_once(posthouse: Commands) -> None:
    posthouse.add()
    with posthouse.serving("serve") as server:
        assert 200 == status(server, NAME, PASSWORD)
        ended = posthouse.run("account", "password", NAME, "--password-stdin", stdin="other\n")
        assert (0, f"changed the password of {NAME}\n", "") == (ended.returncode, ended.stdout, ended.stderr)
        assert 401 == status(server, NAME, PASSWORD)
        assert 200 == status(server, NAME, "other")


def test_a_running_server_sees_a_token_and_its_end_at_once(posthouse: Commands) -> None:
    posthouse.add()
    with posthouse.serving("serve") as server:
        token = posthouse.run("account", "token", NAME, "--label", "phone").stdout.strip()
        assert 200 == status(server, NAME, token)
        listed = posthouse.run("account", "token", NAME, "--list").stdout
        number = listed.split("\t")[0]
        assert listed.endswith("\texpires never\tphone\n")
        assert 0 == posthouse.run("account", "token", NAME, "--revoke", number).returncode
        assert 401 == status(server, NAME, token)


def test_a_running_server_sees_accounts_come_and_go(posthouse: Commands) -> None:
    with posthouse.serving("serve") as server:
        assert 401 == status(server, NAME, PASSWORD)
        posthouse.add()
        assert 200 == status(server, NAME, PASSWORD)
        roles = [one["role"] for one in server.client().ask("Mailbox/get")["list"]]
        assert {"inbox", "drafts", "sent", "trash", "junk", "archive"} == set(roles)
        assert 0 == posthouse.run("account", "remove", NAME, "--yes").returncode
        assert 401 == status(server, NAME, PASSWORD)
        assert "" == posthouse.run("account", "list").stdout


def test_a_removed_accounts_name_can_be_used_again_and_is_empty(posthouse: Commands, tmp_path: Path) -> None:
    posthouse.add()
    letter = tmp_path / "a.eml"
    letter.write_bytes(b"Subject: one\n\ntext\n")
    assert 0 == posthouse.run("import", NAME, letter).returncode
    assert 0 == posthouse.run("account", "remove", NAME).returncode
    posthouse.add()
    with posthouse.serving("serve") as server:
        assert [] == server.client().ask("Email/query")["ids"]


def test_a_password_that_nobody_gives_is_made_up_and_works(posthouse: Commands) -> None:
    said = posthouse.run("account", "add", NAME).stdout
    made_up = said.strip().partition(f"added {NAME}, password: ")[2]
    with posthouse.serving("serve") as server:
        assert 200 == status(server, NAME, made_up)


def test_a_token_expires(posthouse: Commands) -> None:
    posthouse.add()
    assert 0 == posthouse.run("account", "token", NAME, "--expires", "90d").returncode
    assert 0 == posthouse.run("account", "token", NAME, "--expires", "2999-12-31").returncode
    listed = posthouse.run("account", "token", NAME, "--list").stdout
    assert "expires 2999-12-31T00:00:00Z" in listed
    ended = posthouse.run("account", "token", NAME, "--expires", "2001-01-01")
    assert (1, "", "posthouse: the token would have expired already: give a time to come\n") == (
        ended.returncode,
        ended.stdout,
        ended.stderr,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("account", "list"), 0, ""),
        (("account", "add", "nobody"), 1, "is not an email address: write it like ada@example.org"),
        (("account", "add", NAME, "--password-stdin"), 1, "standard input has no password"),
        (("account", "password", NAME), 1, f"there is no account {NAME}: posthouse account list shows"),
        (("account", "remove", NAME), 1, f"there is no account {NAME}"),
        (("account", "token", NAME), 1, f"there is no account {NAME}"),
        (("import", NAME, "nowhere"), 1, f"there is no account {NAME}"),
        (("export", NAME, "out"), 1, f"there is no account {NAME}"),
        (("serve", "--listen", "0.0.0.0:0"), 1, "needs TLS: set tls.certificate and tls.key"),
        (("serve", "--listen", "nowhere"), 1, "is not HOST:PORT"),
        (("serve", "--store", "postgresql://db/mail"), 1, "this build has only sqlite:FOLDER"),
        (("serve", "--listen", "127.0.0.1:0", "--blobs", "s3://bucket"), 1, "use file:FOLDER or a path"),
        (("serve", "--config", "nowhere.toml"), 1, "nowhere.toml: cannot be read"),
        (("serve", "--workers", "many"), 2, "'many' is not a valid integer"),
        (("account", "token", NAME, "--expires", "soon"), 1, "is not like 90d, 2030-12-31 or never"),
        (("account", "add"), 2, "Missing argument 'NAME'. See posthouse account add --help."),
        (("acount",), 2, "No such command 'acount'"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do_and_a_code(
    posthouse: Commands, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    ended = posthouse.run(*arguments)
    assert not Path("out").exists()
    assert code == ended.returncode, ended.stderr
    assert problem in ended.stderr
    assert ended.stderr.count("\n") == (1 if code else 0)
