"""What the page for authors of clients shows works, line by line, but for the address and the token."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.browser import Browser
from posthouse.testing import Server
from posthouse.testing.client import Jmap

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "push.md").read_text()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(messages=0) as server:
        yield server


def code(server: Server, language: str, mark: str) -> str:
    """Find the one piece of code in a language that has a mark, and adapt it to a server."""
    pieces = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    [piece] = [piece for piece in pieces if mark in piece]
    demo = server.users["demo@example.org"]
    assert "://127.0.0.1:8080" in piece or 'fetch("/jmap' in piece
    piece = piece.replace("http://127.0.0.1:8080", server.url).replace("ph_TOKEN", demo.token)
    return str(piece.replace("demo@example.org:demo", f"{demo.name}:{demo.password}"))


def change(client: Jmap) -> str:
    """Make a Mailbox and give the state after it."""
    answer = client.ask("Mailbox/set", create={"a": {"name": f"after {client.ask('Mailbox/get')['state']}"}})
    assert answer["notCreated"] is None
    return str(answer["newState"])


def test_curl(server: Server) -> None:
    client = server.client()
    script = code(server, "sh", "eventsource")
    with subprocess.Popen(["bash", "-c", f"exec {script}"], stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        try:
            assert ": welcome\n" == curl.stdout.readline()
            state = change(client)
            [data] = [line for line, _ in zip(curl.stdout, range(5), strict=False) if line.startswith("data")]
        finally:
            curl.kill()
    assert {client.account: {"Mailbox": state}} == json.loads(data.removeprefix("data: "))["changed"]


def test_python(server: Server) -> None:
    client = server.client()
    script = code(server, "python", "urllib")
    # Nothing tells when it is there, so it begins with what changed before.
    script = script.replace('position = ""', 'position = "-"')
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            assert client.account in program.stdout.readline()
            state = change(client)
            assert f"{{'{client.account}': {{'Mailbox': '{state}'}}}}\n" == program.stdout.readline()
        finally:
            program.kill()


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("way", ['for: "eventsource"', "/jmap/cookie/"])
def test_browser(server: Server, tmp_path: Path, way: str) -> None:
    client = server.client()
    until = "while (!(%s)) await new Promise((go) => setTimeout(go, 10));"
    with Browser(tmp_path) as browser:
        browser.open(server.url + "/healthz")
        begin = "window.told = []; window.source = await listen((changed) => told.push(changed));"
        ready = "told.length" if "for" in way else "source.readyState === EventSource.OPEN"
        browser.run(code(server, "js", way) + begin + until % ready)
        state = change(client)
        told = browser.run(until % "told.length && Object.keys(told.at(-1)).length" + "return told;")
        assert {client.account: {"Mailbox": state}} == told[-1]
        if "cookie" in way:
            script = code(server, "js", way) + "await signOut(source); return source.readyState;"
            assert 2 == browser.run(script)


def test_python_over_a_websocket(server: Server) -> None:
    client = server.client()
    script = code(server, "python", "websockets.sync").replace("ws://127.0.0.1:8080", f"ws{server.url[4:]}")
    # Nothing tells when it is there, so it begins with what changed before.
    script = script.replace('"dataTypes": None', '"dataTypes": None, "pushState": ""')
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            assert client.account in program.stdout.readline()
            state = change(client)
            assert f"{{'{client.account}': {{'Mailbox': '{state}'}}}}\n" == program.stdout.readline()
        finally:
            program.kill()


@pytest.mark.peer("chromium")
def test_browser_over_a_websocket(server: Server, tmp_path: Path) -> None:
    client = server.client()
    with Browser(tmp_path) as browser:
        browser.open(server.url + "/healthz")
        using = json.dumps(["urn:ietf:params:jmap:core"])
        echo = "window.told = []; window.one = new Connection((changed) => told.push(changed));"
        echo += f'return await one.request({using}, [["Core/echo", {{"x": 1}}, "c"]]);'
        assert [["Core/echo", {"x": 1}, "c"]] == browser.run(code(server, "js", "class Connection") + echo)
        state = change(client)
        until = "while (!told.length) await new Promise((go) => setTimeout(go, 10)); return told;"
        assert [{client.account: {"Mailbox": state}}] == browser.run(until)
        # It comes back by itself, and is told what it missed.
        browser.run("one.socket.close(); told.length = 0; await new Promise((go) => setTimeout(go, 100));")
        state = change(client)
        assert [{client.account: {"Mailbox": state}}] == browser.run(until)
