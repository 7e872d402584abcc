"""People write to each other: what one submits, the other is told of at once (RFC 8621 §7, RFC 8620 §7.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wire.events import Events
from wire.person import Person

Sign = Callable[..., Person]


def listen(person: Person, types: str) -> Events:
    url = person.session["eventSourceUrl"]
    for name, value in (("types", types), ("closeafter", "no"), ("ping", "0")):
        url = url.replace(f"{{{name}}}", value)
    return Events(url, authorization=f"Bearer {person.user.token}")


def boxes(person: Person) -> dict[str, str]:
    _, values = person.call("Mailbox/get")
    return {one["role"]: one["id"] for one in values["list"]}


def send(person: Person, to: str, subject: str) -> list[tuple[str, Any]]:
    """Write a message, submit it, and move it to Sent, as clients do in one request."""
    own = boxes(person)
    _, identities = person.call("Identity/get")
    account = {"accountId": person.account}
    mail = {
        "mailboxIds": {own["drafts"]: True},
        "keywords": {"$draft": True, "$seen": True},
        "from": [{"email": person.user.name}],
        "to": [{"email": to}],
        "subject": subject,
        "textBody": [{"partId": "1", "type": "text/plain"}],
        "bodyValues": {"1": {"value": f"About {subject}"}},
    }
    submission = {"emailId": "#m", "identityId": identities["list"][0]["id"]}
    moved = {f"mailboxIds/{own['drafts']}": None, f"mailboxIds/{own['sent']}": True, "keywords/$draft": None}
    calls = [
        ["Email/set", {**account, "create": {"m": mail}}, "0"],
        [
            "EmailSubmission/set",
            {**account, "create": {"s": submission}, "onSuccessUpdateEmail": {"#s": moved}},
            "1",
        ],
    ]
    answered = person.send(*calls).json()
    return [(name, values) for name, values, _ in answered["methodResponses"]]


def arrived(person: Person, events: Events, subject: str) -> Any:
    """Wait for a message of this subject; looks only when something is told."""
    while True:
        _, found = person.call(
            "Email/query", filter={"subject": subject, "inMailbox": boxes(person)["inbox"]}
        )
        if found["ids"]:
            _, values = person.call("Email/get", ids=found["ids"], fetchTextBodyValues=True)
            return values["list"][0]
        assert events.next() is not None


def test_two_people_write_to_each_other(sign_in: Sign) -> None:
    ann, bob = sign_in(), sign_in()
    with listen(bob, "Email") as to_bob, listen(ann, "EmailSubmission,EmailDelivery") as to_ann:
        to_bob.welcome()
        to_ann.welcome()
        answered = send(ann, bob.user.name, "lunch")
        assert ["Email/set", "EmailSubmission/set", "Email/set"] == [name for name, _ in answered]
        id = answered[1][1]["created"]["s"]["id"]
        email = arrived(bob, to_bob, "lunch")
        assert [{"name": None, "email": ann.user.name}] == email["from"]
        assert "About lunch" in next(iter(email["bodyValues"].values()))["value"]
        while True:
            _, values = ann.call("EmailSubmission/get", ids=[id])
            [submission] = values["list"]
            if submission["deliveryStatus"][bob.user.name]["delivered"] == "yes":
                break
            assert to_ann.next() is not None
        assert "final" == submission["undoStatus"]
        answered = send(bob, ann.user.name, "Re: lunch")
        assert arrived(ann, to_ann, "Re: lunch")["from"][0]["email"] == bob.user.name
    sent = boxes(ann)["sent"]
    assert 1 == len(ann.call("Email/query", filter={"inMailbox": sent})[1]["ids"])


def test_a_message_to_nobody_comes_back(sign_in: Sign) -> None:
    ann = sign_in()
    with listen(ann, "Email") as events:
        events.welcome()
        send(ann, "nobody@example.org", "hello?")
        report = arrived(ann, events, "Undelivered mail")
    assert "nobody@example.org" in next(iter(report["bodyValues"].values()))["value"]


def test_a_server_for_tests_sends_nothing_to_the_world(sign_in: Sign) -> None:
    ann = sign_in()
    with listen(ann, "Email") as events:
        events.welcome()
        send(ann, "somebody@example.com", "hello?")
        report = arrived(ann, events, "Undelivered mail")
    assert "550 5.7.1" in next(iter(report["bodyValues"].values()))["value"]
