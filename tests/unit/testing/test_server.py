"""The test server and its plugin, as authors of clients use them."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from posthouse.testing import Server
from posthouse.testing.client import JmapError

pytest_plugins = ["pytester"]


def test_a_server_has_users_and_mail_and_leaves_nothing_behind() -> None:
    threads = threading.active_count()
    with Server(messages=20) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert {"demo@example.org", "friend@example.org"} == server.users.keys()
        client = server.client()
        assert 20 == client.ask("Email/query", calculateTotal=True)["total"]
        assert [] == server.client("friend@example.org").ask("Email/query")["ids"]
    assert threads == threading.active_count()
    with pytest.raises(ConnectionError):
        client.request("GET", server.session_url)


def test_each_user_can_sign_in_with_password_and_token() -> None:
    with Server(messages=0) as server:
        user = server.add_account("new@example.org")
        anonymous = {"Authorization": f"Bearer {user.token}"}
        client = server.client("new@example.org")
        assert "new@example.org" == client.session["username"]
        assert 200 == client.request("GET", server.session_url, headers=anonymous).status
        assert 401 == client.request("GET", server.session_url, headers={"Authorization": "none"}).status


def test_bytes_go_up_and_come_down() -> None:
    with Server(messages=0) as server:
        client = server.client()
        assert b"some bytes" == client.download(client.upload(b"some bytes"), "name with / and ?.txt")
        with pytest.raises(JmapError, match="404"):
            client.download("b1")


def test_it_serves_tls_if_asked() -> None:
    pytest.importorskip("cryptography")
    with Server(messages=0, tls=True) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert server.client().session["apiUrl"].startswith(server.url)


def test_the_plugin_gives_a_server_to_any_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_query(posthouse_server):
            client = posthouse_server.client()
            assert client.ask("Email/query", limit=1)["ids"]
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:xdist").assert_outcomes(passed=1)


def test_the_plugin_loads_nothing_of_the_server() -> None:
    program = (
        "import sys, pytest; before = {*sys.modules}; import posthouse.testing.plugin;"
        "print(*{*sys.modules} - before)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    ours = {"posthouse", "posthouse.testing"} | {
        f"posthouse.testing.{name}" for name in ("client", "plugin", "server")
    }
    assert ours <= set(loaded.split())
    assert [] == [
        name for name in loaded.split() if name.startswith(("posthouse.", "uvicorn")) and name not in ours
    ]
    assert not {"ssl", "http.client", "asyncio"} & set(loaded.split())
