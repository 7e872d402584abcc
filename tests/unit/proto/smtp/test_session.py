"""What a session answers by itself, and what it asks (RFC 5321 §4.1, RFC 2033, RFC 6409)."""

from __future__ import annotations

import base64

import pytest

from courier.conversation import GRANTED, Conversation, session
from posthouse.proto.smtp.event import Auth, AuthResponse, Close, Done, MailFrom, RcptTo, Reset, StartTls
from posthouse.proto.smtp.reply import Reply, combine

HEAD = b"EHLO a\r\nMAIL FROM:<a@b.example>\r\n"


def submission(**named: object) -> Conversation:
    return Conversation(session("submission", is_secure=True, mechanisms=("PLAIN", "SCRAM-SHA-256"), **named))


def test_a_greeting_tells_who_is_here() -> None:
    smtp = session()
    smtp.greet()
    assert b"220 mx.example ESMTP Posthouse\r\n" == smtp.take()


def test_ehlo_is_answered_with_what_is_offered() -> None:
    smtp = session("submission", can_start_tls=True, mechanisms=("PLAIN",), max_hold=86400)
    smtp.feed(b"EHLO [192.0.2.1]\r\n")
    assert smtp.next() is None
    assert (
        b"250-mx.example at your service\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n"
        b"250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250-LIMITS RCPTMAX=1000\r\n"
        b"250-STARTTLS\r\n250 FUTURERELEASE 86400 1970-01-02T00:00:00Z\r\n"
    ) == smtp.take()
    assert "[192.0.2.1]" == smtp.hello
    assert smtp.is_extended


def test_auth_is_offered_where_it_is_safe_and_starttls_where_it_is_not() -> None:
    smtp = session("submission", is_secure=True, can_start_tls=True, mechanisms=("PLAIN", "OAUTHBEARER"))
    smtp.feed(b"EHLO a\r\n")
    smtp.next()
    answer = smtp.take()
    assert b"AUTH PLAIN OAUTHBEARER\r\n" in answer
    assert b"STARTTLS" not in answer


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("EHLO", 501),
        ("EHLO a b", 501),
        ("EHLO grå", 501),
        ("HELO a", 250),
        ("LHLO a", 500),
        ("MAIL FROM:<>", 503),
        ("RCPT TO:<a@b.example>", 503),
        ("DATA", 503),
        ("RSET", 250),
        ("RSET now", 501),
        ("NOOP whatever", 250),
        ("VRFY ada", 252),
        ("VRFY", 501),
        ("EXPN list", 502),
        ("HELP me", 214),
        ("STARTTLS", 502),
        ("AUTH PLAIN", 502),
        ("TURN", 500),
        ("", 500),
        (" NOOP", 500),
        ("\x00", 500),
        ("x" * 12_288, 500),
        ("QUIT now", 501),
    ],
)
def test_commands_at_the_start(line: str, code: int) -> None:
    assert [code, 250] == Conversation().say(f"{line}\r\nNOOP\r\n".encode())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MAIL FROM:<a@b.example>", 250),
        ("mail from: <a@b.example>", 250),
        ("MAIL FROM :<a@b.example>", 501),
        ("MAIL FROM:a@b.example", 501),
        ("MAIL TO:<a@b.example>", 501),
        ("MAIL FROM:<a@b.example>SIZE=1", 501),
        ("MAIL", 501),
        ("BDAT 0 LAST", 503),
    ],
)
def test_commands_after_hello(line: str, code: int) -> None:
    talk = Conversation()
    talk.say(b"EHLO a\r\n")
    assert [code, 250] == talk.say(f"{line}\r\nNOOP\r\n".encode())


def test_lines_end_after_trailing_blanks() -> None:
    assert [250, 250, 250, 221] == Conversation().say(b"EHLO a \r\nMAIL FROM:<> \t\r\nRSET  \r\nQUIT \r\n")


def test_lmtp_knows_no_other_hello() -> None:
    talk = Conversation(session("lmtp"))
    assert [500, 500, 250] == talk.say(b"EHLO a\r\nHELO a\r\nLHLO a\r\n")


@pytest.mark.parametrize("verb", ["GET / HTTP/1.1", "POST / HTTP/1.1", "CONNECT a:1 HTTP/1.1"])
def test_what_a_browser_was_led_to_send_ends_at_its_first_line(verb: str) -> None:
    talk = Conversation()
    assert [521] == talk.say(f"{verb}\r\n".encode() + HEAD)
    assert [Close(False)] == talk.events


def test_a_pipelined_message_is_taken() -> None:
    talk = Conversation()
    codes = talk.say(HEAD + b"RCPT TO:<c@d.example>\r\nDATA\r\nA: b\r\n\r\nhi\r\n.\r\nQUIT\r\n")
    assert [250, 250, 250, 354, 250, 221] == codes
    assert [MailFrom, RcptTo, Done, Close] == [
        type(event) for event in talk.events if hasattr(event, "__slots__")
    ][:2] + [type(event) for event in talk.events][-2:]
    assert b"A: b\r\n\r\nhi\r\n" == talk.content


def test_a_question_stops_the_session_until_it_is_answered() -> None:
    smtp = session()
    smtp.feed(HEAD + b"NOOP\r\n")
    assert isinstance(smtp.next(), MailFrom)
    assert smtp.next() is None
    smtp.take()
    smtp.answer(Reply(451, "4.3.0", "later"))
    assert smtp.next() is None
    assert b"451 4.3.0 later\r\n250 2.0.0 OK\r\n" == smtp.take()
    assert not smtp.is_busy


def test_without_recipients_there_is_no_message() -> None:
    assert [250, 250, 503] == Conversation().say(HEAD + b"DATA\r\n")
    talk = Conversation(refused={"no@d.example"})
    assert [250, 250, 550, 554] == talk.say(HEAD + b"RCPT TO:<no@d.example>\r\nDATA\r\n")
    talk = Conversation(session("lmtp"), refused={"no@d.example"})
    codes = talk.say(b"LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<no@d.example>\r\nDATA\r\n")
    assert [250, 250, 550, 503] == codes


def test_recipients_above_the_limit_come_another_time() -> None:
    talk = Conversation(session(limits={"recipients": 2}))
    assert [250, 250, 250, 250, 452, 452] == talk.say(HEAD + b"RCPT TO:<c@d.example>\r\n" * 4)


def test_a_new_hello_gives_up_the_message() -> None:
    talk = Conversation()
    talk.say(HEAD + b"EHLO b\r\n")
    assert Reset() == talk.events[-1]
    assert [250, 250] == talk.say(HEAD)


def test_one_message_follows_another() -> None:
    talk = Conversation()
    talk.say(b"EHLO a\r\n")
    for _ in range(3):
        codes = talk.say(b"MAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\nBDAT 2 LAST\r\n\r\n")
        assert [250, 250, 250] == codes


def test_too_many_refusals_end_the_session() -> None:
    talk = Conversation(session(limits={"errors": 3}))
    assert [500, 500, 500, 500, 421] == talk.say(b"what\r\n" * 9)
    assert [Close(False)] == talk.events


def test_who_tries_names_is_sent_away_but_not_our_own_mta() -> None:
    names = b"RCPT TO:<no@d.example>\r\n" * 5
    talk = Conversation(session(limits={"errors": 3}), refused={"no@d.example"})
    assert [250, 250, 550, 550, 550, 550, 421] == talk.say(HEAD + names)
    talk = Conversation(session("lmtp", limits={"errors": 3}), refused={"no@d.example"})
    assert [250, 250, 550, 550, 550, 550, 550] == talk.say(HEAD.replace(b"EHLO", b"LHLO") + names)


def test_who_brings_no_message_is_sent_away() -> None:
    talk = Conversation(session(limits={"idle": 3}))
    assert [250, 250, 250, 250, 421] == talk.say(b"NOOP\r\nRSET\r\n" * 9)


def test_lmtp_answers_for_each_recipient() -> None:
    replies = [GRANTED, Reply(452, "4.2.2", "full")]
    talk = Conversation(session("lmtp"), replies_to_message=replies)
    head = b"LHLO a\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<c@d.example>\r\n" * 2
    assert [250, 250, 250, 250, 354, 250, 452] == talk.say(head + b"DATA\r\n.\r\n")
    talk = Conversation(session("lmtp", limits={"size": 4}))
    assert [250, 250, 250, 250, 354, 552, 552] == talk.say(head + b"DATA\r\n12345\r\n.\r\n")


@pytest.mark.parametrize(
    ("codes", "code"),
    [([250, 250], 250), ([250, 550], 550), ([550, 451, 250], 451), ([552, 550], 552), ([452, 451], 452)],
)
def test_smtp_answers_once_for_all(codes: list[int], code: int) -> None:
    assert code == combine([Reply(each, "", "") for each in codes]).code


def test_starttls_forgets_what_was_said() -> None:
    talk = Conversation(session(can_start_tls=True))
    assert [250, 250, 220] == talk.say(HEAD + b"STARTTLS\r\n")
    assert [Reset(), StartTls()] == talk.events[-2:]
    talk.session.secured()
    assert [503, 503] == talk.say(b"MAIL FROM:<>\r\nSTARTTLS\r\n")
    assert "" == talk.session.hello


@pytest.mark.parametrize("cut", [False, True])
def test_what_comes_in_clear_behind_starttls_ends_the_session(cut: bool) -> None:
    talk = Conversation(session(can_start_tls=True))
    injected = b"EHLO evil\r\nMAIL FROM:<evil@b.example>\r\n"
    codes = talk.say(b"STARTTLS\r\n", injected) if cut else talk.say(b"STARTTLS\r\n" + injected)
    assert [220] * cut == codes
    assert [StartTls(), Close(False)] == talk.events
    talk.session.secured()
    assert [] == talk.say(b"NOOP\r\n")


def test_submission_needs_a_sign_in_and_a_sign_in_needs_tls() -> None:
    talk = Conversation(session("submission", can_start_tls=True, mechanisms=("PLAIN",)))
    assert [250, 530, 538] == talk.say(HEAD + b"AUTH PLAIN AAAA\r\n")
    talk.say(b"STARTTLS\r\n")
    talk.session.secured()
    assert [250, 530, 235, 250] == talk.say(HEAD + b"AUTH PLAIN AAAA\r\nMAIL FROM:<>\r\n")
    assert talk.session.is_authenticated


def test_auth_takes_an_initial_response_or_none() -> None:
    talk = submission()
    talk.session.feed(b"EHLO a\r\nAUTH scram-sha-256\r\n")
    assert Auth("SCRAM-SHA-256", None) == talk.session.next()
    talk.session.take()
    talk.session.challenge(b"")
    assert b"334 \r\n" == talk.session.take()
    talk.session.feed(b"aGk=\r\n")
    assert AuthResponse(b"hi") == talk.session.next()
    talk.session.challenge(b"more")
    assert b"334 bW9yZQ==\r\n" == talk.session.take()
    talk.session.feed(b"\r\n")
    assert AuthResponse(b"") == talk.session.next()
    talk.session.answer(Reply(535, "5.7.8", "no"))
    assert not talk.session.is_authenticated
    talk.session.feed(b"AUTH PLAIN =\r\n")
    assert Auth("PLAIN", b"") == talk.session.next()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("AUTH", 501),
        ("AUTH PLAIN a b", 501),
        ("AUTH PLAIN !", 501),
        ("AUTH PLAIN YQ", 501),
        ("AUTH CRAM-MD5", 504),
    ],
)
def test_auth_is_refused(line: str, code: int) -> None:
    talk = submission()
    talk.say(b"EHLO a\r\n")
    assert [code] == talk.say(f"{line}\r\n".encode())


@pytest.mark.parametrize("response", [b"*", b"no base64!", b"x" * 12_300])
def test_signing_in_is_called_off(response: bytes) -> None:
    talk = submission()
    talk.session.feed(b"EHLO a\r\nAUTH PLAIN\r\n")
    talk.session.next()
    talk.session.challenge(b"")
    talk.session.take()
    [code, noop] = talk.say(response + b"\r\nNOOP\r\n")
    assert (code, noop) in ((501, 250), (500, 250))
    assert [] == talk.events


def test_one_signs_in_once_and_between_messages() -> None:
    talk = submission()
    talk.say(b"EHLO a\r\nAUTH PLAIN AAAA\r\n")
    assert [503] == talk.say(b"AUTH PLAIN AAAA\r\n")


def test_long_responses_come_through() -> None:
    talk = submission()
    token = base64.b64encode(b"x" * 9000)
    assert [250, 235] == talk.say(b"EHLO a\r\nAUTH PLAIN " + token + b"\r\n")


def test_a_reply_cannot_be_broken_out_of() -> None:
    reply = Reply(550, "5.1.1", "a\rb\x00ü\n" + "x" * 600)
    assert b"550-5.1.1 a?b??\r\n550 5.1.1 " + b"x" * 480 + b"\r\n" == reply.encode()


def test_a_line_without_end_takes_no_memory() -> None:
    talk = Conversation()
    assert [] == talk.say(*[b"x" * 10_000] * 100)
    assert talk.session.waiting < 20_000
    assert [500, 250] == talk.say(b"\r\nNOOP\r\n")
