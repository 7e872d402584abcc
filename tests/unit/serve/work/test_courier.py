"""Taking a message to hosts of all kinds: polite, refusing, hanging, lying and mad."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from postbox.host import Say, host
from posthouse.capabilities.submission.letter import Letter, Recipient
from posthouse.delivery.progress import Answer
from posthouse.proto.smtp.reply import Reply
from posthouse.serve.work.courier import Courier, Login, Manner, Patience
from posthouse.serve.work.route import Hop, Unroutable
from posthouse.testing import certificate as certificates

MESSAGE = b"Subject: x\r\n\r\nHello\r\n.dot\r\n"
SHORT = Patience(connect=0.3, command=0.3, data=0.3, whole=5)


class Straight:
    """A route to the same hosts for all."""

    def __init__(self, *ports: int, refusal: Reply | None = None) -> None:
        self._ports = ports
        self._refusal = refusal

    def destination(self, domain: str) -> str:
        return domain

    async def hops(self, destination: str) -> Sequence[Hop]:
        if self._refusal is not None:
            raise Unroutable(self._refusal)
        return [Hop("localhost", "127.0.0.1", port) for port in self._ports]


def letter(*to: str, **values: Any) -> Letter:
    recipients = [Recipient(email=one) for one in to or ("ben@far.example",)]
    return Letter(
        blob="", mail_from="me@near.example", recipients=recipients, arrived=0, released=0, **values
    )


async def take(
    *ports: int, of: Letter | None = None, message: bytes = MESSAGE, **manner: Any
) -> list[tuple[int, str]]:
    answers = await answered(*ports, of=of, message=message, **manner)
    return [(one.reply.code, one.reply.enhanced) for one in answers]


async def answered(
    *ports: int, of: Letter | None = None, message: bytes = MESSAGE, **manner: Any
) -> list[Answer]:
    found = of or letter()
    courier = Courier(Straight(*ports), Manner("near.example", **({"patience": SHORT} | manner)))
    async with asyncio.timeout(20):
        return await courier.take("far.example", found, found.recipients, message)


def run(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    def runner(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return functools.wraps(test)(runner)


@run
async def test_a_polite_host_gets_the_message_once_and_whole() -> None:
    async with host() as far:
        assert [(250, "2.0.0")] * 2 == await take(far.port, of=letter("ben@far.example", "eve@far.example"))
    assert [(["ben@far.example", "eve@far.example"], MESSAGE)] == far.messages
    assert "EHLO near.example" == far.said[0]
    assert f"MAIL FROM:<me@near.example> SIZE={len(MESSAGE)}" == far.said[1]
    assert ["RCPT TO:<ben@far.example>", "RCPT TO:<eve@far.example>", "DATA", "QUIT"] == far.said[2:]


@run
async def test_each_recipient_has_an_answer_of_his_own() -> None:
    def rcpt(line: str) -> str:
        name = line.partition("<")[2][0]
        return {"a": "250 ok", "b": "550 5.1.1 who?", "c": "451 4.7.1 greylisted"}[name]

    async with host({"RCPT": rcpt}) as far:
        to = letter("a@far.example", "b@far.example", "c@far.example")
        assert [(250, "2.0.0"), (550, "5.1.1"), (451, "4.7.1")] == await take(far.port, of=to)
    assert ["a@far.example"] == far.messages[0][0]


@run
async def test_the_reply_to_the_message_is_that_of_all_who_were_taken() -> None:
    """If RCPT TO was accepted and the message rejected, the DATA reply should be used (RFC 8621 §7)."""
    async with host({"END": "554-5.7.1 Spam\r\n554 5.7.1 is not taken"}) as far:
        [answer] = await answered(far.port)
    assert Answer(Reply(554, "5.7.1", "Spam is not taken"), "localhost") == answer


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"MAIL": "550 5.7.1 no"}, (550, "5.7.1")),
        ({"MAIL": "421 4.3.2 later"}, (421, "4.3.2")),
        ({"RCPT": "450 greylisted"}, (450, "")),
        ({"DATA": "451 4.3.0 busy"}, (451, "4.3.0")),
        ({"DATA": "554 5.6.0 no"}, (554, "5.6.0")),
        ({"END": "452 4.3.1 full"}, (452, "4.3.1")),
        ({"RCPT": "251 will forward"}, (250, "2.0.0")),
        # Who refuses to talk says nothing of the recipients.
        ({"GREETING": "554 5.7.1 go away"}, (454, "4.7.1")),
        ({"GREETING": "421 4.7.0 too many"}, (421, "4.7.0")),
        ({"EHLO": "550 5.5.0 no", "HELO": "550 5.5.0 no"}, (450, "4.5.0")),
        # Garbage.
        ({"GREETING": b"\x00\xff\xfe garbage\r\n"}, (451, "4.5.0")),
        ({"EHLO": b"250-" + b"x" * 100_000 + b"\r\n"}, (451, "4.5.0")),
        ({"MAIL": "999 what"}, (451, "4.5.0")),
        ({"RCPT": "100 what"}, (451, "4.5.0")),
        ({"RCPT": "354 what"}, (451, "4.5.0")),
        ({"DATA": "250 yes?"}, (451, "4.5.0")),
        ({"END": b"\xff\xff\r\n"}, (451, "4.5.0")),
        ({"END": b"25\r\n"}, (451, "4.5.0")),
        # Hanging up.
        ({"GREETING": None}, (451, "4.4.1")),
        ({"EHLO": None}, (451, "4.4.1")),
        ({"MAIL": None}, (451, "4.4.2")),
        ({"RCPT": None}, (451, "4.4.2")),
        ({"DATA": None}, (451, "4.4.2")),
        ({"END": None}, (451, "4.4.2")),
        # Hanging.
        ({"GREETING": "..."}, (451, "4.4.1")),
        ({"EHLO": "..."}, (451, "4.4.1")),
        ({"MAIL": "..."}, (451, "4.4.2")),
        ({"RCPT": "..."}, (451, "4.4.2")),
        ({"DATA": "..."}, (451, "4.4.2")),
        ({"END": "..."}, (451, "4.4.2")),
        # A message that was taken stays so, whatever comes then.
        ({"QUIT": None}, (250, "2.0.0")),
        ({"QUIT": b"\xff\r\n"}, (250, "2.0.0")),
    ],
    ids=str,
)
@run
async def test_whatever_a_host_does_there_is_an_answer(
    script: Mapping[str, Say], expected: tuple[int, str]
) -> None:
    async with host(script) as far:
        assert [expected] == await take(far.port)


@run
async def test_who_was_refused_stays_so_when_the_host_breaks_off() -> None:
    def rcpt(line: str) -> str | None:
        return "550 5.1.1 who?" if "<a@" in line else None

    async with host({"RCPT": rcpt}) as far:
        to = letter("a@far.example", "b@far.example", "c@far.example")
        assert [(550, "5.1.1"), (451, "4.4.2"), (451, "4.4.2")] == await take(far.port, of=to)


@run
async def test_where_one_host_does_not_let_us_begin_the_next_is_asked() -> None:
    async with (
        host({"GREETING": "554 no"}) as one,
        host({"EHLO": None}) as two,
        host() as three,
        host() as four,
    ):
        assert [(250, "2.0.0")] == await take(1, one.port, two.port, three.port, four.port)
    assert (1, 0) == (len(three.messages), four.connections)


@run
async def test_what_one_host_refuses_no_other_is_asked_for() -> None:
    async with host({"RCPT": "550 5.1.1 who?"}) as one, host() as two:
        assert [(550, "5.1.1")] == await take(one.port, two.port)
    assert 0 == two.connections


@run
async def test_a_message_that_one_host_may_have_goes_to_no_other_now() -> None:
    async with host({"END": "..."}) as one, host() as two:
        assert [(451, "4.4.2")] == await take(one.port, two.port)
        patience = Patience(connect=5, command=5, data=5, whole=0.3)
        assert [(451, "4.4.2")] == await take(one.port, two.port, patience=patience)
    assert 0 == two.connections


@run
async def test_nobody_listens() -> None:
    assert [(451, "4.4.1")] == await take(1)


@run
async def test_where_no_way_leads_the_route_says_why() -> None:
    reply = Reply(556, "5.1.10", "takes no mail")
    courier = Courier(Straight(refusal=reply), Manner("near.example"))
    assert [Answer(reply)] == await courier.take("far.example", letter(), letter().recipients, MESSAGE)


# -- what a host can do --


@run
async def test_an_old_host_is_greeted_the_old_way() -> None:
    async with host({"EHLO": "502 what?"}) as far:
        assert [(250, "2.0.0")] == await take(far.port)
    assert "MAIL FROM:<me@near.example>" in far.said


@run
async def test_wishes_go_on_to_a_host_that_knows_of_them() -> None:
    """RFC 3461 §4, §5.2: the host is then who tells the sender."""
    of = letter(ret="HDRS", envid="a=b+c é")
    of.recipients[0].notify = ["SUCCESS", "DELAY"]
    of.recipients[0].original = "rfc822;b=n@far.example"
    async with host() as far:
        [answer] = await answered(far.port, of=of)
    assert answer.notifies
    assert far.said[1].endswith(" RET=HDRS ENVID=a+3Db+2Bc+20+E9")
    assert "RCPT TO:<ben@far.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+3Dn@far.example" == far.said[2]
    async with host({"EHLO": "250 plain"}) as far:
        [answer] = await answered(far.port, of=of)
    assert not answer.notifies
    assert ["MAIL FROM:<me@near.example>", "RCPT TO:<ben@far.example>"] == far.said[1:3]


@pytest.mark.parametrize(
    ("message", "to", "lacks", "expected"),
    [
        (b"Subject: x\r\n\r\n\xc3\xbc\r\n", "ben@far.example", "8BITMIME", (554, "5.6.3")),
        (MESSAGE, "ü@far.example", "SMTPUTF8", (553, "5.6.7")),
        (MESSAGE, "ben@ü.example", "SMTPUTF8", (250, "2.0.0")),
        (MESSAGE, "ben@far.example", "8BITMIME", (250, "2.0.0")),
    ],
)
@run
async def test_a_host_that_cannot_take_such_a_message_is_not_bothered(
    message: bytes, to: str, lacks: str, expected: tuple[int, str]
) -> None:
    able = {"8BITMIME", "SMTPUTF8"} - {lacks}
    async with host({"EHLO": f"250-far\r\n250 {able.pop()}"}) as far:
        assert [expected] == await take(far.port, of=letter(to), message=message)


@run
async def test_a_host_is_told_what_is_in_the_message() -> None:
    async with host() as far:
        of = letter("ü@ü.example")
        assert [(250, "2.0.0")] == await take(far.port, of=of, message=b"Subject: \xc3\xbc\r\n\r\nx\r\n")
    assert far.said[1].endswith(" BODY=8BITMIME SMTPUTF8")
    assert "RCPT TO:<ü@xn--tda.example>" == far.said[2]


@run
async def test_a_message_that_is_too_large_for_the_host_is_not_sent() -> None:
    async with host({"EHLO": "250-far\r\n250 SIZE 10"}) as far:
        assert [(552, "5.3.4")] == await take(far.port)
    async with host({"EHLO": "250-far\r\n250 SIZE 0"}) as far:
        assert [(250, "2.0.0")] == await take(far.port)


# -- TLS --

TLS = {"EHLO": "250-far\r\n250 STARTTLS"}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a host shows, and who trusts it."""
    shown, key = certificates.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, key)
    return context, ssl.create_default_context(cafile=shown)


@run
async def test_tls_is_used_where_it_is_offered_whoever_signed_the_certificate(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with host(TLS, tls=certificate[0]) as far:
        assert [(250, "2.0.0")] == await take(far.port)
    assert (1, ["EHLO near.example", "STARTTLS", "EHLO near.example"]) == (far.encrypted, far.said[:3])


@pytest.mark.parametrize("say", ["454 4.7.0 not now", b"220 go\r\nnonsense\r\n"])
@run
async def test_where_tls_fails_the_message_goes_without(say: str | bytes) -> None:
    async with host({**TLS, "STARTTLS": say}) as far:
        assert (250, "2.0.0") in await take(far.port)


@run
async def test_a_host_that_must_be_trusted_gets_nothing_without_a_good_certificate(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    shown, trust = certificate
    async with host({**TLS, "AUTH": "235 ok"}, tls=shown) as far:
        stranger = ssl.create_default_context()
        assert [(454, "4.7.5")] == await take(far.port, trust=stranger, login=Login("u", "p"))
        assert [] == far.messages
        assert not any(line.startswith("AUTH") for line in far.said)
    async with host(tls=shown) as far:
        assert [(454, "4.7.5")] == await take(far.port, trust=trust)


@run
async def test_a_smart_host_is_signed_in_at(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    shown, trust = certificate
    ehlo = {"EHLO": "250-far\r\n250-AUTH PLAIN\r\n250 STARTTLS"}
    async with host(ehlo, tls=shown) as far:
        assert [(250, "2.0.0")] == await take(far.port, trust=trust, login=Login("u", "p"))
    assert "AUTH PLAIN AHUAcA==" in far.said
    async with host({**ehlo, "AUTH": "535 5.7.8 wrong"}, tls=shown) as far:
        assert [(435, "4.7.8")] == await take(far.port, trust=trust, login=Login("u", "p"))


@run
async def test_a_smart_host_with_tls_from_the_first_byte_is_signed_in_at(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    shown, trust = certificate
    manner = {"trust": trust, "login": Login("u", "p"), "implicit": True}
    async with host({"EHLO": "250-far\r\n250 AUTH PLAIN"}, tls=shown, implicit=True) as far:
        assert [(250, "2.0.0")] == await take(far.port, **manner)
        assert [(451, "4.4.1")] == await take(far.port, **(manner | {"trust": ssl.create_default_context()}))
    assert (1, 1) == (len(far.messages), far.said.count("AUTH PLAIN AHUAcA=="))
