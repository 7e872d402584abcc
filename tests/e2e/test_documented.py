"""What the page for authors of clients shows works, line by line, but for the address and the token."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.browser import Browser
from e2e.pages import site
from posthouse.testing import Server, certificate
from posthouse.testing.client import Jmap
from wire.endpoint import Device, Endpoint

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "howto" / "push.md").read_text()


VAPID = "urn:ietf:params:jmap:webpush-vapid"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with closing(Endpoint(certificate.make(tmp_path_factory.mktemp("endpoint")))) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def server(endpoint: Endpoint) -> Iterator[Server]:
    with Server(messages=0, push_ca=endpoint.ca) as server:
        yield server


def shown(language: str, mark: str) -> str:
    """Find the one piece of code in a language that has a mark."""
    pieces = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    [piece] = [piece for piece in pieces if mark in piece]
    return str(piece)


def code(server: Server, language: str, mark: str) -> str:
    """Find the one piece of code in a language that has a mark, and adapt it to a server."""
    piece = shown(language, mark)
    demo = server.users["demo@example.org"]
    assert "://127.0.0.1:8080" in piece or 'fetch("/jmap' in piece
    piece = piece.replace("http://127.0.0.1:8080", server.url).replace("ph_TOKEN", demo.token)
    return piece.replace("demo@example.org:demo", f"{demo.name}:{demo.password}")


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


# What the page leaves to its reader; this one tells the pages which Emails there are after a push.
SYNCHRONIZE = """
async function synchronize(changed) {
  for (const accountId of Object.keys(changed)) {
    const { ids } = await jmap("Email/query", { accountId });
    for (const page of await clients.matchAll({ includeUncontrolled: true })) page.postMessage({ changed, ids });
  }
}
"""
# What a push service would have made of it: it can't be reached here.
SUBSCRIBED = """
PushManager.prototype.subscribe = async (options) => {
  window.asked = options;
  return { toJSON: () => ({ endpoint: %s, expirationTime: null, keys: %s }) };
};
"""


@pytest.fixture
def origin(server: Server) -> Iterator[str]:
    """The origin of the three files for Web Push, which is not the server's own."""
    worker = shown("js", 'addEventListener("push"') + SYNCHRONIZE
    with site({"/jmap.js": code(server, "js", "function jmap("), "/worker.js": worker}) as origin:
        yield origin


def page_code(server: Server) -> str:
    """The page for Web Push: a script, and a function."""
    session = json.dumps(server.client().session)
    load = """await new Promise((onload, onerror) => {
      document.head.append(Object.assign(document.createElement("script"), { src: "jmap.js", onload, onerror }));
    });"""
    return f"if (!window.jmap) {load} const session = {session};" + shown("js", "function subscribe(")


@pytest.mark.peer("chromium")
def test_browser_with_web_push(server: Server, endpoint: Endpoint, origin: str, tmp_path: Path) -> None:
    """All is real but the push service, for which the test stands.

    It answers `PushManager.subscribe` with keys of its own, takes what the server posts, decrypts it and has
    DevTools hand it to the service worker.
    """
    client, device = server.client(), Device()
    subscribed = SUBSCRIBED % (json.dumps(endpoint.url()), json.dumps(device.keys))
    with Browser(tmp_path) as browser:
        browser.open(origin + "/")
        listen = "window.told = []; navigator.serviceWorker.onmessage = ({ data }) => told.push(data);"
        id = browser.run(listen + subscribed + page_code(server) + "return await subscribe(session);")
        key = client.session["capabilities"][VAPID]["applicationServerKey"]
        assert {"userVisibleOnly": True, "applicationServerKey": key} == browser.run("return asked;")

        verification = device.read(endpoint.next())
        assert id == verification["pushSubscriptionId"]
        browser.push(origin, json.dumps(verification))
        # Only who has sent the code back is pushed this.
        blob = client.upload(b"From: ada@example.org\nSubject: Hello\n\nHello\n")
        [mailbox, *_] = client.ask("Mailbox/query")["ids"]
        emails = {"e": {"blobId": blob, "mailboxIds": {mailbox: True}}}
        email = client.ask("Email/import", emails=emails)["created"]["e"]["id"]
        change = device.read(endpoint.next())
        browser.push(origin, json.dumps(change))
        told = browser.run("while (!told.length) await new Promise((go) => setTimeout(go, 10)); return told;")
        assert [{"changed": change["changed"], "ids": [email]}] == told
        assert [client.account] == list(change["changed"])


@pytest.mark.peer("chromium")
@pytest.mark.parametrize(("damage", "refusal"), [("", "NotAllowedError"), ("AAAA", "InvalidAccessError")])
def test_a_browser_takes_the_application_server_key(
    server: Server, origin: str, tmp_path: Path, damage: str, refusal: str
) -> None:
    """It looks at the key before it asks whether notifications may be shown, which nobody here allows."""
    with Browser(tmp_path) as browser:
        browser.open(origin + "/")
        script = f"session.capabilities[{json.dumps(VAPID)}].applicationServerKey += {json.dumps(damage)};"
        script += "return await subscribe(session).catch(({ name }) => name);"
        assert refusal == browser.run(page_code(server) + script)
