"""EmailSubmission: what may be sent, when, and what can be taken back (RFC 8621 §7)."""

from __future__ import annotations

from typing import Any

import pytest

from bakery.kitchen import BAKER, HOME, OTHER
from mailroom.room import ADDRESS, Room
from posthouse.capabilities.mail.mailbox import RIGHTS, mailbox
from posthouse.capabilities.submission import letter as letter_
from posthouse.capabilities.submission import outbox
from posthouse.capabilities.submission.envelope import LONGEST_DELAY, MOST_RECIPIENTS
from posthouse.capabilities.submission.letter import Letter
from posthouse.kit import clock, json
from posthouse.kit.json import JsonObject
from posthouse.model.caller import Access, Caller
from posthouse.model.job import Job
from posthouse.store.txn import Transaction

NOW = 1_700_000_000


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: float(NOW))


def identity(room: Room) -> str:
    found: str = room.ask("Identity/get")["list"][0]["id"]
    return found


def sent(room: Room, data: bytes | None = None, **values: Any) -> JsonObject:
    """Submit a message, from the account's own address unless told otherwise, and give what was created."""
    answered = room.ask("EmailSubmission/set", create={"k": draft(room, data, **values)})
    assert answered["notCreated"] is None, answered["notCreated"]
    made: JsonObject = answered["created"]["k"]
    return made


def refused(room: Room, data: bytes | None = None, **values: Any) -> JsonObject:
    return room.refused("EmailSubmission/set", "create", {"k": draft(room, data, **values)})


def draft(room: Room, data: bytes | None = None, **values: Any) -> JsonObject:
    made = {"identityId": identity(room), "emailId": room.imported(data or mine())} | values
    return {name: value for name, value in made.items() if value is not ...}


def mine(**fields: Any) -> bytes:
    return message(**({"From": f"Me <{ADDRESS}>", "Message_ID": "<1@x.example>"} | fields))


def message(**fields: Any) -> bytes:
    lines = {"To": "Ben <ben@example.net>", "Subject": "Hello"} | fields
    head = "".join(
        f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value is not None
    )
    return (head + "\r\nText\r\n").encode()


def envelope(*to: str, mail_from: str = ADDRESS, **parameters: str | None) -> JsonObject:
    return {
        "mailFrom": {"email": mail_from, "parameters": parameters or None},
        "rcptTo": [{"email": one, "parameters": None} for one in to or ("ben@example.net",)],
    }


def jobs(room: Room) -> list[Job]:
    return room.read(lambda txn: txn.jobs(letter_.KIND))


def letter(room: Room) -> Letter:
    [job] = jobs(room)
    return letter_.of(job)


# -- what is created --


def test_a_submission_is_told_with_all_that_the_server_set(room: Room) -> None:
    email = room.imported(mine())
    made = sent(room, emailId=email)
    expected = {
        "threadId": room.one("Email", email, "threadId")["threadId"],
        "envelope": envelope(),
        "sendAt": clock.utc_date(NOW),
        "undoStatus": "pending",
        "deliveryStatus": {
            "ben@example.net": {
                "smtpReply": "250 2.0.0 waits to be sent",
                "delivered": "queued",
                "displayed": "unknown",
            }
        },
        "dsnBlobIds": [],
        "mdnBlobIds": [],
    }
    assert {"id": made["id"]} | expected == made
    assert expected | {"id": made["id"], "emailId": email, "identityId": identity(room)} == room.one(
        "EmailSubmission", made["id"]
    )


def test_a_submission_is_queued_in_the_same_transaction(room: Room) -> None:
    made = sent(room)
    [job] = jobs(room)
    assert (NOW, 0, outbox.submission.local(made["id"])) == (job.due, job.tries, job.about)
    assert [("ben@example.net", None)] == [(one.email, one.notify) for one in letter(room).recipients]
    assert (ADDRESS, NOW, NOW) == (letter(room).mail_from, letter(room).arrived, letter(room).released)


def test_the_email_may_be_created_in_the_same_request(room: Room) -> None:
    """A reference to an Email by its creation id is resolved (RFC 8620 §5.3)."""
    mail = {
        "mailboxIds": {room.role["drafts"]: True},
        "keywords": {"$draft": True},
        "from": [{"email": ADDRESS}],
        "to": [{"email": "ben@example.net"}],
        "textBody": [{"partId": "1", "type": "text/plain"}],
        "bodyValues": {"1": {"value": "Hi"}},
    }
    answered = room.responses(
        ("Email/set", {"create": {"m": mail}}),
        (
            "EmailSubmission/set",
            {
                "create": {"s": {"emailId": "#m", "identityId": identity(room)}},
                "onSuccessUpdateEmail": {
                    "#s": {
                        f"mailboxIds/{room.role['drafts']}": None,
                        f"mailboxIds/{room.role['sent']}": True,
                        "keywords/$draft": None,
                    }
                },
            },
        ),
    )
    assert [("Email/set", "0"), ("EmailSubmission/set", "1"), ("Email/set", "1")] == [
        (name, call_id) for name, _, call_id in answered
    ]
    email = answered[0][1]["created"]["m"]["id"]
    assert {email: None} == answered[2][1]["updated"]
    assert {room.role["sent"]: True} == room.one("Email", email)["mailboxIds"]
    assert {} == room.one("Email", email)["keywords"]


def test_what_the_message_lacks_is_made_once(room: Room) -> None:
    """Date and Message-ID are added where they are absent; the Email stays as it is (RFC 6409 §8)."""
    sent(room, mine(Message_ID=None))
    fields = letter(room).fields
    assert "Tue, 14 Nov 2023 22:13:20 +0000" == fields["Date"]
    assert fields["Message-ID"].endswith("@bakery.example>")


def test_what_the_message_has_is_left_alone(room: Room) -> None:
    sent(room, mine(Date="Mon, 1 Jan 2024 00:00:00 +0000"))
    assert {} == letter(room).fields


# -- the envelope that is made from the message --


def test_recipients_are_those_of_all_fields_each_once(room: Room) -> None:
    made = sent(
        room,
        mine(To="a@x.example, B <b@x.example>", Cc="a@X.example, c@x.example", Bcc="Friends: d@x.example;"),
    )
    found = [one["email"] for one in made["envelope"]["rcptTo"]]
    assert ["a@x.example", "b@x.example", "c@x.example", "d@x.example"] == found


def test_the_sender_field_goes_before_from(room: Room) -> None:
    made = sent(room, mine(Sender=ADDRESS.upper()))
    assert ADDRESS.upper() == made["envelope"]["mailFrom"]["email"]


def test_a_sender_that_the_identity_does_not_allow_is_replaced_by_its_own_address(room: Room) -> None:
    made = sent(room, mine(Sender="secretary@elsewhere.example"))
    assert ADDRESS == made["envelope"]["mailFrom"]["email"]


def test_one_address_with_a_tag_is_its_own(room: Room) -> None:
    tagged = ADDRESS.replace("@", "+news@")
    assert tagged == sent(room, mine(From=tagged))["envelope"]["mailFrom"]["email"]


def test_a_message_from_several_needs_an_envelope_or_a_sender(room: Room) -> None:
    both = f"{ADDRESS}, {ADDRESS.replace('@', '+x@')}"
    error = refused(room, mine(From=both))
    assert ("invalidEmail", ["from"]) == (error["type"], error["properties"])
    assert sent(room, mine(From=both), envelope=envelope())["id"]
    assert sent(room, mine(From=both, Sender=ADDRESS))["id"]


# -- what is refused --


@pytest.mark.parametrize("name", ["emailId", "identityId"])
def test_an_email_or_identity_that_is_not_there_is_an_invalid_property(room: Room, name: str) -> None:
    error = refused(room, **{name: "e999" if name == "emailId" else "i999"})
    assert ("invalidProperties", [name]) == (error["type"], error["properties"])


@pytest.mark.parametrize("from_", [None, ""])
def test_a_message_from_nobody_is_invalid(room: Room, from_: str | None) -> None:
    error = refused(room, mine(From=from_), envelope=envelope())
    assert ("invalidEmail", ["from"]) == (error["type"], error["properties"])


def test_a_message_with_two_from_fields_is_invalid(room: Room) -> None:
    data = b"From: " + ADDRESS.encode() + b"\r\n" + mine()
    assert "invalidEmail" == refused(room, data, envelope=envelope())["type"]


@pytest.mark.parametrize("from_", ["eve@example.net", f"{ADDRESS}, eve@example.net", f"{ADDRESS}.evil"])
def test_from_must_be_what_the_identity_allows(room: Room, from_: str) -> None:
    assert "forbiddenFrom" == refused(room, mine(From=from_), envelope=envelope())["type"]


def test_the_return_address_must_be_what_the_identity_allows(room: Room) -> None:
    assert "forbiddenMailFrom" == refused(room, envelope=envelope(mail_from="eve@example.net"))["type"]


def test_the_return_address_may_be_empty(room: Room) -> None:
    """The JMAP server MAY allow the address to be the empty string (RFC 8621 §7)."""
    sent(room, envelope=envelope(mail_from=""))
    assert "" == letter(room).mail_from


def test_a_message_to_nobody_is_refused(room: Room) -> None:
    assert "noRecipients" == refused(room, mine(To=None))["type"]
    nobody = envelope() | {"rcptTo": []}
    assert "noRecipients" == refused(room, envelope=nobody)["type"]


def test_too_many_recipients_are_refused_with_how_many_there_may_be(room: Room) -> None:
    many = [f"u{number}@x.example" for number in range(MOST_RECIPIENTS + 1)]
    error = refused(room, envelope=envelope(*many))
    assert ("tooManyRecipients", MOST_RECIPIENTS) == (error["type"], error["maxRecipients"])
    assert sent(room, envelope=envelope(*many[1:]))["id"]


@pytest.mark.parametrize(
    "address",
    [
        "nobody",
        "@x.example",
        "a@",
        "a b@x.example",
        "a@x.example\r\nRCPT TO:<eve@x.example>",
        "a\r\nDATA@x.example",
        '"a\nb"@x.example',
        "a@x_y.example",
        "a@1.2.3.4",
        "a@[1.2.3.4",
        "a@[999.1.1.1]",
        "<a@x.example>",
        "a..b@x.example",
        "a\u2028b@x.example",
        "a@" + "x" * 64 + ".example",
        "a" * 65 + "@x.example",
        "é" * 33 + "@x.example",
    ],
)
def test_what_is_no_address_is_told(room: Room, address: str) -> None:
    error = refused(room, envelope=envelope("ben@example.net", address))
    assert ("invalidRecipients", [address]) == (error["type"], error["invalidRecipients"])


@pytest.mark.parametrize(
    "address",
    [
        "a+b@x.example",
        '"a b"@x.example',
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        "ü@ü.example",
        "a/b=c@x.Example",
    ],
)
def test_unusual_addresses_are_addresses(room: Room, address: str) -> None:
    assert [address] == [*sent(room, envelope=envelope(address))["deliveryStatus"]]


def test_a_message_that_is_too_large_is_refused_with_the_size(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LARGEST", 10)
    error = refused(room)
    assert ("tooLarge", 10) == (error["type"], error["maxSize"])


def test_who_has_too_much_waiting_can_send_no_more_now(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_QUEUED", 1)
    sent(room)
    assert "forbiddenToSend" == refused(room)["type"]


def test_what_only_the_server_sets_cannot_be_created(room: Room) -> None:
    for name, value in {
        "undoStatus": "final",
        "sendAt": "2024-01-01T00:00:00Z",
        "threadId": "t1",
        "deliveryStatus": {},
        "dsnBlobIds": [],
    }.items():
        error = refused(room, **{name: value})
        assert ("invalidProperties", [name]) == (error["type"], error["properties"])


def test_a_refused_submission_queues_nothing_and_moves_no_state(room: Room) -> None:
    answered = room.ask(
        "EmailSubmission/set",
        create={"k": draft(room, mine(To=None))},
        onSuccessUpdateEmail={"#k": {"keywords/$seen": True}},
        onSuccessDestroyEmail=["#k"],
    )
    assert answered["oldState"] == answered["newState"]
    assert [] == jobs(room)


def test_a_visitor_who_may_not_submit_sends_nothing(room: Room) -> None:
    """See tests/jmap/sharing/test_send.py for who may."""
    email = room.imported(mine())
    visited = Access(HOME.account, HOME.shard, "home", is_personal=False, through=frozenset({8}))
    guest = Caller(8, "guest@bakery.example", {HOME.wire: visited}, "guest")
    inbox = room.role["inbox"]
    number = mailbox.local(inbox)
    assert number is not None
    room.write(
        lambda txn: txn.share(mailbox, number, {8: RIGHTS.all & ~RIGHTS.bit("maySubmit")}, BAKER.person, 0)
    )
    call = ("EmailSubmission/set", {"accountId": "a1", "create": {"k": draft(room, emailId=email)}}, "0")
    answered = room.answer(call, caller=guest)["methodResponses"][0][1]
    refused = answered["notCreated"]["k"]  # without it he sees no Identity
    assert ("invalidProperties", ["identityId"]) == (refused["type"], refused["properties"])
    assert [] == jobs(room)


# -- parameters --


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [
        ({"HOLDFOR": "60"}, 60),
        ({"holdfor": "0"}, 0),
        ({"HOLDFOR": str(LONGEST_DELAY)}, LONGEST_DELAY),
        ({"HOLDUNTIL": clock.utc_date(NOW + 3600)}, 3600),
        ({"HOLDUNTIL": "2023-11-14T23:13:20.5+00:00"}, 3601),
        ({"HOLDUNTIL": "2001-01-01T00:00:00Z"}, 0),
    ],
)
def test_a_message_can_be_held_back(room: Room, parameters: dict[str, str | None], seconds: int) -> None:
    """sendAt is when the server will release the message (RFC 8621 §7, RFC 4865)."""
    made = sent(room, envelope=envelope(**parameters))
    assert clock.utc_date(NOW + seconds) == made["sendAt"]
    assert NOW + seconds == jobs(room)[0].due


@pytest.mark.parametrize(
    "parameters",
    [
        {"HOLDFOR": str(LONGEST_DELAY + 1)},
        {"HOLDFOR": None},
        {"HOLDFOR": "-1"},
        {"HOLDFOR": "1.5"},
        {"HOLDFOR": "9" * 1000},
        {"HOLDUNTIL": "tomorrow"},
        {"HOLDUNTIL": "2999-01-01T00:00:00Z"},
        {"HOLDFOR": "1", "HOLDUNTIL": "2023-11-14T22:14:00Z"},
        {"RET": "SOME"},
        {"ENVID": ""},
        {"ENVID": "a\r\nb"},
        {"BY": "5;R"},
        {"X\r\nRCPT": "1"},
    ],
)
def test_parameters_that_are_wrong_or_unknown_are_refused(
    room: Room, parameters: dict[str, str | None]
) -> None:
    error = refused(room, envelope=envelope(**parameters))
    assert ("invalidProperties", ["envelope"]) == (error["type"], error["properties"])


def test_what_a_sender_wants_to_be_told_goes_with_the_letter(room: Room) -> None:
    given = envelope(RET="hdrs", ENVID="x y")
    given["rcptTo"][0]["parameters"] = {"notify": "success,Delay", "ORCPT": "rfc822;b@x.example"}
    sent(room, envelope=given)
    found = letter(room)
    assert ("HDRS", "x y") == (found.ret, found.envid)
    assert (["SUCCESS", "DELAY"], "rfc822;b@x.example") == (
        found.recipients[0].notify,
        found.recipients[0].original,
    )


@pytest.mark.parametrize(
    "parameters",
    [{"NOTIFY": "NEVER,SUCCESS"}, {"NOTIFY": ""}, {"NOTIFY": None}, {"ORCPT": "b@x"}, {"X": "1"}],
)
def test_wrong_parameters_of_a_recipient_are_refused(room: Room, parameters: dict[str, str | None]) -> None:
    given = envelope()
    given["rcptTo"][0]["parameters"] = parameters
    assert "invalidProperties" == refused(room, envelope=given)["type"]


def test_the_capability_says_what_can_be_asked_for(room: Room) -> None:
    session = room.engine.session(BAKER, "http://x.example")
    found = json.loads_strict(session)["accounts"]["a1"]["accountCapabilities"][
        "urn:ietf:params:jmap:submission"
    ]
    assert LONGEST_DELAY == found["maxDelayedSend"]
    assert {"FUTURERELEASE", "DSN", "SIZE"} <= found["submissionExtensions"].keys()


# -- taking back --


def cancel(room: Room, id: str, status: str = "canceled") -> JsonObject:
    return room.ask("EmailSubmission/set", update={id: {"undoStatus": status}})


def test_what_waits_can_be_taken_back(room: Room) -> None:
    id = sent(room, envelope=envelope(HOLDFOR="60"))["id"]
    assert {id: {"deliveryStatus": None}} == cancel(room, id)["updated"]
    assert "canceled" == room.one("EmailSubmission", id)["undoStatus"]
    assert [] == jobs(room)


def test_what_is_on_its_way_cannot_be_taken_back(room: Room) -> None:
    id = sent(room)["id"]
    room.run(room.store.claim(letter_.KIND, NOW, NOW + 60, 10))
    assert "cannotUnsend" == cancel(room, id)["notUpdated"][id]["type"]
    assert "pending" == room.one("EmailSubmission", id)["undoStatus"]
    assert 1 == len(jobs(room))


def test_what_was_sent_or_taken_back_stays_so(room: Room) -> None:
    id = sent(room)["id"]
    assert {id: None} == cancel(room, id, "pending")["updated"]
    assert "invalidProperties" == cancel(room, id, "final")["notUpdated"][id]["type"]
    cancel(room, id)
    assert {id: None} == cancel(room, id)["updated"]
    assert "invalidProperties" == cancel(room, id, "pending")["notUpdated"][id]["type"]


def test_destroying_the_record_sends_the_message_all_the_same(room: Room) -> None:
    """Destroying an EmailSubmission MUST NOT affect the deliveries it represents (RFC 8621 §7.5)."""
    id = sent(room)["id"]
    assert [id] == room.ask("EmailSubmission/set", destroy=[id])["destroyed"]
    [job] = jobs(room)
    room.write(lambda txn: outbox.record(txn, job.about, letter_.of(job), begun=True))
    assert [] == room.ask("EmailSubmission/get")["list"]


def test_destroying_the_email_changes_nothing_and_its_bytes_stay(room: Room) -> None:
    """If the Email is destroyed this MUST NOT change the behaviour of the submission (RFC 8621 §7.5)."""
    email = room.imported(mine())
    made = sent(room, emailId=email)
    room.ask("Email/set", destroy=[email])
    found = room.one("EmailSubmission", made["id"])
    assert (email, made["threadId"]) == (found["emailId"], found["threadId"])
    blob = bytes.fromhex(letter(room).blob)
    assert room.read(lambda txn: txn.may_read_blob(blob, 2**50))
    assert "canceled" == (cancel(room, made["id"]), room.one("EmailSubmission", made["id"]))[1]["undoStatus"]
    room.ask("EmailSubmission/set", destroy=[made["id"]])


# -- what follows --


def test_only_what_succeeded_is_followed(room: Room) -> None:
    good, bad = room.imported(mine()), room.imported(mine(To=None, Subject="to nobody"))
    own = identity(room)
    answered = room.responses(
        (
            "EmailSubmission/set",
            {
                "create": {
                    "good": {"emailId": good, "identityId": own},
                    "bad": {"emailId": bad, "identityId": own},
                },
                "onSuccessUpdateEmail": {
                    "#good": {"keywords/$seen": True},
                    "#bad": {"keywords/$seen": True},
                    "#nobody": {"keywords/$seen": True},
                    "s999": {"keywords/$seen": True},
                },
                "onSuccessDestroyEmail": ["#bad"],
            },
        )
    )
    assert ["EmailSubmission/set", "Email/set"] == [name for name, _, _ in answered]
    assert ({good: None}, None) == (answered[1][1]["updated"], answered[1][1]["destroyed"])
    assert {} == room.one("Email", bad)["keywords"]


def test_the_email_can_be_destroyed_once_it_is_submitted(room: Room) -> None:
    made = draft(room)
    answered = room.responses(
        ("EmailSubmission/set", {"create": {"k": made}, "onSuccessDestroyEmail": ["#k"]})
    )
    assert [made["emailId"]] == answered[1][1]["destroyed"]
    assert 1 == len(jobs(room))


def test_updates_and_destroys_are_followed_too(room: Room) -> None:
    first, second = sent(room, envelope=envelope(HOLDFOR="9")), sent(room)
    emails = [room.one("EmailSubmission", one["id"])["emailId"] for one in (first, second)]
    answered = room.responses(
        (
            "EmailSubmission/set",
            {
                "update": {first["id"]: {"undoStatus": "canceled"}},
                "destroy": [second["id"]],
                "onSuccessUpdateEmail": {first["id"]: {"keywords/$draft": True}},
                "onSuccessDestroyEmail": [second["id"]],
            },
        )
    )
    assert ({emails[0]: None}, [emails[1]]) == (answered[1][1]["updated"], answered[1][1]["destroyed"])


def test_an_implied_call_that_changes_what_cannot_be_changed_tells_so(room: Room) -> None:
    made = draft(room)
    answered = room.responses(
        (
            "EmailSubmission/set",
            {"create": {"k": made}, "onSuccessUpdateEmail": {"#k": {"subject": "x", "nonsense": 1}}},
        )
    )
    assert "invalidProperties" == answered[1][1]["notUpdated"][made["emailId"]]["type"]


def test_what_follows_needs_no_capability_of_its_own(room: Room) -> None:
    using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:submission"]
    arguments = {"accountId": "a1", "create": {"k": draft(room)}, "onSuccessDestroyEmail": ["#k"]}
    answered = room.answer(("EmailSubmission/set", arguments, "c"), using=using)["methodResponses"]
    assert [["EmailSubmission/set", "c"], ["Email/set", "c"]] == [[name, id] for name, _, id in answered]


# -- reading --


def test_queries_find_by_each_filter_and_in_each_order(room: Room) -> None:
    early, late = sent(room), sent(room, mine(Message_ID="<2@x.example>"), envelope=envelope(HOLDFOR="60"))
    emails = {one["id"]: room.one("EmailSubmission", one["id"])["emailId"] for one in (early, late)}
    cancel(room, late["id"])
    for filter, expected in [
        ({"identityIds": [identity(room)]}, [early, late]),
        ({"identityIds": ["i999"]}, []),
        ({"emailIds": [emails[late["id"]]]}, [late]),
        ({"threadIds": [early["threadId"]]}, [early]),
        ({"undoStatus": "canceled"}, [late]),
        ({"before": late["sendAt"]}, [early]),
        ({"after": late["sendAt"]}, [late]),
    ]:
        for sort in ("emailId", "threadId", "sentAt"):
            found = room.found("EmailSubmission", filter=filter, sort=[{"property": sort}])
            assert [one["id"] for one in expected] == found, (filter, sort)
    backwards = [{"property": "sentAt", "isAscending": False}]
    assert [late["id"], early["id"]] == room.found("EmailSubmission", sort=backwards)


def test_changes_tell_of_what_was_recorded(room: Room) -> None:
    id = sent(room)["id"]
    state = room.state("EmailSubmission")
    [job] = jobs(room)
    found = letter_.of(job)
    found.recipients[0].state, found.recipients[0].reply = "relayed", "250 2.0.0 ok"

    def record(txn: Transaction) -> None:
        outbox.record(txn, job.about, found, begun=True)

    room.write(record)
    assert [id] == room.ask("EmailSubmission/changes", sinceState=state)["updated"]
    shown = room.one("EmailSubmission", id)
    assert "final" == shown["undoStatus"]
    status = {"smtpReply": "250 2.0.0 ok", "delivered": "unknown", "displayed": "unknown"}
    assert {"ben@example.net": status} == shown["deliveryStatus"]
    state = room.state("EmailSubmission")
    room.write(record)
    assert state == room.state("EmailSubmission")


def test_nobody_elses_account_has_any(room: Room) -> None:
    sent(room)
    assert [] == room.ask("EmailSubmission/get", accountId=OTHER.wire)["list"]
