"""The Session object as it comes over the wire (RFC 8620 §2)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from posthouse.testing import Server
from wire.person import CORE, MAIL, PRINCIPALS, Person

OWNER = "urn:ietf:params:jmap:principals:owner"
WEBSOCKET = "urn:ietf:params:jmap:websocket"
CONTACTS = "urn:ietf:params:jmap:contacts"
VAPID = "urn:ietf:params:jmap:webpush-vapid"
PUSHSTATE = "urn:posthouse:params:jmap:pushstate"

TEMPLATES = {
    "apiUrl": set(),
    "downloadUrl": {"accountId", "blobId", "type", "name"},
    "uploadUrl": {"accountId"},
    "eventSourceUrl": {"types", "closeafter", "ping"},
}


def test_it_has_its_nine_properties(demo: Person) -> None:
    expected = {"capabilities", "accounts", "primaryAccounts", "username", "state", *TEMPLATES}
    assert expected == set(demo.session)
    assert demo.user.name == demo.session["username"]


def test_the_core_capability_has_all_limits_at_least_as_large_as_suggested(demo: Person) -> None:
    """The suggested minimums of RFC 8620 §2."""
    core = dict(demo.session["capabilities"][CORE])
    assert all(isinstance(name, str) for name in core.pop("collationAlgorithms"))
    suggested = {
        "maxSizeUpload": 50_000_000,
        "maxConcurrentUpload": 4,
        "maxSizeRequest": 10_000_000,
        "maxConcurrentRequests": 4,
        "maxCallsInRequest": 16,
        "maxObjectsInGet": 500,
        "maxObjectsInSet": 500,
    }
    assert set(suggested) == set(core)
    assert all(core[name] >= least for name, least in suggested.items())


def test_each_capability_of_an_account_is_one_of_the_server(demo: Person) -> None:
    account = demo.session["accounts"][demo.account]
    assert {"name", "isPersonal", "isReadOnly", "accountCapabilities"} == set(account)
    assert (True, False) == (account["isPersonal"], account["isReadOnly"])
    server_only = {CORE, WEBSOCKET, VAPID, PUSHSTATE}
    home = demo.session["accounts"][demo.session["primaryAccounts"][PRINCIPALS]]["accountCapabilities"]
    assert {PRINCIPALS} == set(home)
    # The key of RFC 9670 §1.5.2 is one of accounts only.
    shown = (set(account["accountCapabilities"]) - {OWNER}) | set(home)
    assert set(demo.session["capabilities"]) - server_only == shown
    assert shown == set(demo.session["primaryAccounts"])
    assert {*demo.session["accounts"]} >= {*demo.session["primaryAccounts"].values()}


def test_mail_describes_what_an_account_may(demo: Person) -> None:
    mail = demo.session["accounts"][demo.account]["accountCapabilities"][MAIL]
    assert {
        "maxMailboxesPerEmail",
        "maxMailboxDepth",
        "maxSizeMailboxName",
        "maxSizeAttachmentsPerEmail",
        "emailQuerySortOptions",
        "mayCreateTopLevelMailbox",
    } == set(mail)
    assert mail["maxSizeMailboxName"] >= 100
    assert mail["maxMailboxesPerEmail"] is None or mail["maxMailboxesPerEmail"] >= 1


def test_contacts_describe_what_an_account_may(demo: Person) -> None:
    contacts = demo.session["accounts"][demo.account]["accountCapabilities"][CONTACTS]
    assert {"maxAddressBooksPerCard", "mayCreateAddressBook"} == set(contacts)
    assert contacts["maxAddressBooksPerCard"] is None or contacts["maxAddressBooksPerCard"] >= 1
    assert contacts["mayCreateAddressBook"] is True
    assert {} == demo.session["capabilities"][CONTACTS]


def test_each_sort_that_is_announced_works(demo: Person) -> None:
    mail = demo.session["accounts"][demo.account]["accountCapabilities"][MAIL]
    for name in mail["emailQuerySortOptions"]:
        keyword = {"keyword": "$seen"} if name.endswith("Keyword") else {}
        answer, _ = demo.call("Email/query", sort=[{"property": name, **keyword}], limit=1)
        assert "Email/query" == answer, name


def test_urls_are_absolute_and_lead_here(demo: Person, server: Server) -> None:
    for name, variables in TEMPLATES.items():
        url = demo.session[name]
        assert url.startswith(server.url + "/"), name
        assert variables == {part.partition("}")[0] for part in url.split("{")[1:]}, name
        assert all(url.count(f"{{{variable}}}") == 1 for variable in variables), name
    assert "/.well-known/jmap" != urlsplit(demo.session["apiUrl"]).path


def test_urls_follow_the_host_that_was_asked(demo: Person) -> None:
    answer = demo.http.get("/.well-known/jmap", headers={"Host": "mail.example.org:8443"}).json()
    assert all(answer[name].startswith("http://mail.example.org:8443/") for name in TEMPLATES)


def test_no_stranger_forwards_another_host(demo: Person) -> None:
    forwarded = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=https"}
    assert demo.session == demo.http.get("/.well-known/jmap", headers=forwarded).json()


def test_it_is_json_that_is_not_cached(demo: Person) -> None:
    """RFC 8620 §2: the session must not be cached, or clients would miss its changes."""
    response = demo.http.get("/.well-known/jmap")
    assert "application/json" == response.headers["content-type"].partition(";")[0]
    directives = {one.strip() for one in response.headers["cache-control"].split(",")}
    assert {"no-cache", "no-store", "must-revalidate"} <= directives
    assert not response.history


def test_its_state_is_that_of_every_response(demo: Person) -> None:
    assert demo.session["state"] == demo.send(["Core/echo", {}, "0"]).json()["sessionState"]
    assert demo.session["state"] == demo.http.get("/.well-known/jmap").json()["state"]


def test_each_user_sees_his_own_and_that_of_the_domain(
    demo: Person, friend: Person, sign_in: Callable[..., Person]
) -> None:
    people = [demo, friend, sign_in()]
    assert 3 == len({person.account for person in people})
    for person in people:
        accounts = person.session["accounts"]
        names = [accounts[wire]["name"] for wire in accounts if wire != person.account]
        assert [person.user.name.partition("@")[2]] == names
        assert [person.account] == [wire for wire in accounts if accounts[wire]["isPersonal"]]
        assert person.user.name == person.session["accounts"][person.account]["name"]


def test_a_websocket_is_where_the_session_was_asked_for(server: Server, demo: Person) -> None:
    expected = {"url": server.url.replace("http", "ws", 1) + "/jmap/ws/", "supportsPush": True}
    assert expected == demo.session["capabilities"][WEBSOCKET]


def test_the_state_is_the_same_wherever_the_session_is_asked_for(demo: Person) -> None:
    other = demo.http.get("/jmap/session", headers={"Host": "mail.example.org"}).json()
    assert "ws://mail.example.org/jmap/ws/" == other["capabilities"][WEBSOCKET]["url"]
    assert demo.session["state"] == other["state"]
