"""A real browser's EventSource, by ticket from a page of another origin and by cookie from our own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from e2e.browser import Browser
from e2e.pages import site
from posthouse.testing import Server
from posthouse.testing.client import Jmap

pytestmark = pytest.mark.peer("chromium")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(messages=0) as server:
        yield server


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The URL of a page of another origin."""
    with site({}) as origin:
        yield origin + "/"


SIGN_IN = """
const server = %s, authorization = "Bearer " + %s;
const ask = async (method, path, body) => {
    const answer = await fetch(server + path, {method, body, headers: {authorization}});
    return answer.status === 204 ? {} : await answer.json();
};
"""
LISTEN = """
const listen = (url) => {
    const source = window.source = new EventSource(url);
    const told = window.told = {states: [], opened: 0, closed: false};
    source.onopen = () => { told.opened += 1; };
    source.onerror = () => { told.closed = source.readyState === EventSource.CLOSED; };
    source.addEventListener("state", (event) => {
        told.states.push({...JSON.parse(event.data).changed, id: event.lastEventId});
    });
};
const until = async (holds) => {
    while (!holds(window.told)) await new Promise((go) => setTimeout(go, 10));
    return window.told;
};
"""


def script(server: Server, body: str) -> str:
    token = server.users["demo@example.org"].token
    return SIGN_IN % (json.dumps(server.url), json.dumps(token)) + LISTEN + body


def change(client: Jmap) -> str:
    """Make a Mailbox and give the state after it."""
    answer = client.ask("Mailbox/set", create={"a": {"name": f"after {client.ask('Mailbox/get')['state']}"}})
    assert answer["notCreated"] is None
    return str(answer["newState"])


def ticket_url(after: str) -> str:
    return f"""
    const {{url}} = await ask("POST", "/jmap/ticket/", JSON.stringify({{for: "eventsource"}}));
    window.url = url.replace("{{types}}", "Mailbox").replace("{{closeafter}}", "{after}").replace("{{ping}}", "0");
    """


@pytest.mark.parametrize("own", [True, False])
def test_a_page_listens_by_ticket_and_comes_back_by_itself(
    server: Server, browser: Browser, elsewhere: str, own: bool
) -> None:
    """The server ends the response after each state, so that the browser connects anew to the same URL."""
    client = server.client()
    browser.open(server.url + "/healthz" if own else elsewhere)
    body = ticket_url("state") + "listen(window.url); return await until((told) => told.opened === 1);"
    browser.run(script(server, body))
    states = [change(client)]
    told = browser.run(script(server, "return await until((told) => told.states.length === 1);"))
    states.append(change(client))  # nobody listens now
    told = browser.run(script(server, "return await until((told) => told.states.length === 2);"))
    assert states == [state[client.account]["Mailbox"] for state in told["states"]]
    assert told["opened"] >= 2
    assert len({state["id"] for state in told["states"]}) == 2
    browser.run("window.source.close();")


def test_a_page_that_got_hold_of_a_foreign_ticket_hears_nothing(
    server: Server, browser: Browser, elsewhere: str
) -> None:
    browser.open(server.url + "/healthz")
    url = browser.run(script(server, ticket_url("no") + "return window.url;"))
    browser.open(elsewhere)
    told = browser.run(
        script(server, f"listen({json.dumps(url)}); return await until((told) => told.closed);")
    )
    assert {"states": [], "opened": 0, "closed": True} == told
    browser.open(server.url + "/healthz")
    told = browser.run(
        script(server, f"listen({json.dumps(url)}); return await until((told) => told.opened);")
    )
    assert 1 == told["opened"]
    browser.run("window.source.close();")


def test_a_page_of_our_own_listens_by_cookie_until_it_signs_out(
    server: Server, browser: Browser, elsewhere: str
) -> None:
    client = server.client()
    url = json.dumps("/jmap/eventsource/?types=*&closeafter=no&ping=0")
    browser.open(server.url + "/healthz")
    assert True is browser.run(
        script(server, f"listen({url}); return (await until((told) => told.closed)).closed;")
    )

    body = (
        'await ask("POST", "/jmap/cookie/");'
        + f"listen({url}); await until((told) => told.opened); return document.cookie;"
    )
    assert "" == browser.run(script(server, body))
    state = change(client)
    told = browser.run(script(server, "return await until((told) => told.states.length);"))
    assert [state] == [state[client.account]["Mailbox"] for state in told["states"]]

    # It opens nothing but streams, and those to no other page, not even one of the same site.
    body = 'return (await fetch("/jmap/session", {headers: {"x-requested-with": "posthouse-web"}})).status;'
    assert 401 == browser.run(body)
    browser.open(elsewhere)
    body = """
    const source = new EventSource(server + %s, {withCredentials: true});
    return await new Promise((go) => { source.onopen = () => go("open"); source.onerror = () => go("refused"); });
    """
    assert "refused" == browser.run(script(server, body % url))

    browser.open(server.url + "/healthz")
    browser.run('await fetch("/jmap/cookie/", {method: "DELETE"});')
    told = browser.run(script(server, f"listen({url}); return await until((told) => told.closed);"))
    assert {"states": [], "opened": 0, "closed": True} == told
