"""A configured server behind a proxy, as a process: URLs that the client can reach (RFC 8620 §2)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from wire.person import CORE, MAIL

URLS = ("apiUrl", "downloadUrl", "uploadUrl", "eventSourceUrl")
NAME, PASSWORD = "ada@example.org", "correct horse"
CONFIGURATION = """
trusted_proxies = ["127.0.0.1"]

[limits]
max_calls_in_request = 2

[compat]
lenient_using = true
core_primary = true
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client that is signed in at such a server, as the proxy in front of it is."""
    folder = tmp_path_factory.mktemp("proxy")
    file = folder / "posthouse.toml"
    file.write_text(CONFIGURATION)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOUSE_")}
    posthouse = [sys.executable, "-m", "posthouse"]
    places = ["--config", str(file), "--data", str(folder / "data")]
    add = [*posthouse, "account", "add", NAME, "--password-stdin", *places]
    subprocess.run(add, input=PASSWORD + "\n", text=True, check=True, capture_output=True, env=environment)
    serve = [*posthouse, "serve", "--listen", "127.0.0.1:0", *places]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            said = ""
            for line in server.stdout:
                said += line
                if line.startswith("Ready"):
                    break
            found = re.search(r"http://[0-9.:]+", said)
            assert found is not None, said
            with httpx.Client(base_url=found[0], auth=(NAME, PASSWORD)) as client:
                yield client
        finally:
            server.terminate()
            server.communicate()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "mail.example.org"}, "https://mail.example.org/"),
        ({"X-Forwarded-Proto": "https", "Host": "mail.example.org"}, "https://mail.example.org/"),
        (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example", "X-Forwarded-Port": "8443"},
            "https://a.example:8443/",
        ),
        ({"Forwarded": 'proto=https;host="b.example:444"'}, "https://b.example:444/"),
        ({"Host": "c.example"}, "http://c.example/"),
    ],
)
def test_urls_are_those_that_the_proxy_tells(
    client: httpx.Client, headers: dict[str, str], expected: str
) -> None:
    session = client.get("/.well-known/jmap", headers=headers).raise_for_status().json()
    assert all(session[name].startswith(expected) for name in URLS)


@pytest.mark.parametrize("value", ["ftp", "javascript", "https://evil"])
def test_a_scheme_that_is_none_is_refused(client: httpx.Client, value: str) -> None:
    assert 400 == client.get("/.well-known/jmap", headers={"X-Forwarded-Proto": value}).status_code


@pytest.mark.parametrize("value", ["evil host", "a/b", "a@b", "", '"><script>'])
def test_a_host_that_is_none_is_not_told_on(client: httpx.Client, value: str) -> None:
    response = client.get("/.well-known/jmap", headers={"X-Forwarded-Host": value})
    assert response.status_code == 400 or response.json()["apiUrl"].startswith(str(client.base_url))


def test_the_state_is_the_same_whatever_the_url(client: httpx.Client) -> None:
    states = {
        client.get("/.well-known/jmap", headers={"Host": host}).json()["state"]
        for host in ("a.example", "b.example")
    }
    assert 1 == len(states)


def test_a_limit_that_is_set_is_announced_and_kept(client: httpx.Client) -> None:
    session = client.get("/.well-known/jmap").json()
    assert 2 == session["capabilities"][CORE]["maxCallsInRequest"]
    calls = [["Core/echo", {}, str(at)] for at in range(3)]
    refused = client.post("/jmap/api/", json={"using": [CORE], "methodCalls": calls})
    assert (400, "maxCallsInRequest") == (refused.status_code, refused.json()["limit"])
    assert 200 == client.post("/jmap/api/", json={"using": [CORE], "methodCalls": calls[:2]}).status_code


def test_switches_for_other_clients_can_be_on(client: httpx.Client) -> None:
    primary = client.get("/.well-known/jmap").json()["primaryAccounts"]
    assert primary[MAIL] == primary[CORE]
    call = ["Identity/get", {"accountId": primary[MAIL]}, "0"]
    answer = client.post("/jmap/api/", json={"using": [CORE, MAIL], "methodCalls": [call]}).json()
    assert "Identity/get" == answer["methodResponses"][0][0]
