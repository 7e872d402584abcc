"""Hostile and careless SMTP on a real socket."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from courier.desk import codes, office, read_all, read_reply
from posthouse.proto.smtp.limits import Limits
from posthouse.serve.smtp.settings import Settings

HEAD = b"EHLO there\r\nMAIL FROM:<a@b.example>\r\n"
ONE = HEAD + b"RCPT TO:<c@example.org>\r\nDATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n"
HASTY = Settings(command=0.2, data=0.2, linger=0.2, handshake=0.2)


def test_a_message_is_taken_with_what_was_said_of_it() -> None:
    with office() as place:
        assert [220, 250, 250, 250, 354, 250, 221] == codes(place.talk(ONE + b"QUIT\r\n"))
        [letter] = place.desk.letters
    assert b"Subject: x\r\n\r\nhi\r\n" == letter.content
    assert "a@b.example" == str(letter.sender.address)
    assert ["c@example.org"] == [str(each.address) for each in letter.recipients]
    assert ("127.0.0.1", "there", "", "ESMTP") == (
        letter.peer.address,
        letter.peer.hello,
        letter.peer.tls,
        letter.peer.protocol(False),
    )


def test_octet_by_octet_it_is_the_same() -> None:
    with office() as place:
        replies = place.talk(*(ONE[at : at + 1] for at in range(len(ONE))))
        assert [220, 250, 250, 250, 354, 250] == codes(replies)
        assert b"Subject: x\r\n\r\nhi\r\n" == place.desk.letters[0].content


def test_who_ends_in_the_middle_of_a_message_sent_none() -> None:
    with office() as place:
        assert [220, 250, 250, 250, 354] == codes(place.talk(ONE[:-3]))
        assert [] == place.desk.letters


def test_a_large_message_comes_through_the_disk() -> None:
    content = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 200_000
    with office(settings=Settings(in_memory=10_000)) as place:
        head = HEAD + b"RCPT TO:<c@example.org>\r\n"
        chunks = [content[at : at + 1_000_003] for at in range(0, len(content), 1_000_003)]
        said = [b"BDAT %d\r\n" % len(chunk) + chunk for chunk in chunks]
        assert [220, *[250] * (4 + len(chunks))] == codes(place.talk(head, *said, b"BDAT 0 LAST\r\n"))
        assert content == place.desk.letters[0].content


def test_where_memory_is_short_messages_go_to_the_disk() -> None:
    with office(settings=Settings(memory=0)) as place:
        assert 250 == codes(place.talk(ONE))[-1]
        assert b"Subject: x\r\n\r\nhi\r\n" == place.desk.letters[0].content


def test_memory_is_given_back() -> None:
    with office(settings=Settings(memory=400, in_memory=400)) as place:
        for _ in range(100):
            assert 250 == codes(place.talk(ONE))[-1]


def test_smtp_says_the_worst_and_lmtp_each() -> None:
    to = b"".join(b"RCPT TO:<%s@example.org>\r\n" % name for name in (b"ok", b"full", b"unknown", b"broken"))
    message = b"DATA\r\n.\r\n"
    with office() as place:
        assert [220, 250, 250, 250, 250, 550, 451, 354, 452] == codes(place.talk(HEAD + to + message))
    with office("lmtp") as place:
        replies = place.talk(HEAD.replace(b"EHLO", b"LHLO") + to + message)
        assert [220, 250, 250, 250, 250, 550, 451, 354, 250, 452] == codes(replies)


def test_a_refused_sender_may_try_another() -> None:
    with office() as place:
        again = ONE.partition(b"\r\n")[2]
        said = b"EHLO there\r\nMAIL FROM:<forged@b.example>\r\nRCPT TO:<c@d.example>\r\n" + again
        assert [220, 250, 550, 503, 250, 250, 354, 250] == codes(place.talk(said))


def test_what_breaks_inside_is_a_temporary_refusal() -> None:
    with office() as place:
        said = HEAD + b"RCPT TO:<crash@example.org>\r\nDATA\r\n.\r\n" + ONE
        assert [220, 250, 250, 250, 354, 451, 250, 250, 250, 354, 250] == codes(place.talk(said))


def test_ten_thousand_recipients_are_answered_and_a_thousand_taken() -> None:
    said = HEAD + b"".join(b"RCPT TO:<u%d@example.org>\r\n" % number for number in range(10_000))
    with office() as place, place.connect() as connection:
        # Who reads nothing is not read from either, so reading and writing go on in turns.
        left, replies = said + b"DATA\r\n.\r\nQUIT\r\n", b""
        connection.settimeout(0)
        while not replies.endswith(b"Goodbye\r\n"):
            with contextlib.suppress(BlockingIOError):
                left = left[connection.send(left[:65536]) :] if left else left
            with contextlib.suppress(BlockingIOError):
                replies += connection.recv(65536)
        assert [220, 250, 250, *[250] * 1000, *[452] * 9000, 354, 250, 221] == codes(replies)
        assert 1000 == len(place.desk.letters[0].recipients)


def test_a_line_without_end_takes_no_memory_and_ends_in_time() -> None:
    with office(settings=HASTY) as place, place.connect() as connection:
        replies = b""
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except (BrokenPipeError, ConnectionResetError):
            replies = b""
        assert b"" == replies
        assert 250 == codes(place.talk(ONE))[-1]


def test_nothing_but_nul_is_refused() -> None:
    with office() as place:
        replies = codes(place.talk((b"\x00" * 100 + b"\r\n") * 30))
        assert [220, *[500] * 21, 421] == replies


def test_who_says_nothing_is_sent_away() -> None:
    with office(settings=HASTY) as place, place.connect() as connection:
        assert [220, 421] == codes(read_all(connection))


def test_who_stops_in_a_message_is_sent_away() -> None:
    with office(settings=HASTY) as place, place.connect() as connection:
        connection.sendall(ONE[:-5])
        assert [220, 250, 250, 250, 354, 421] == codes(read_all(connection))


def test_who_dribbles_a_message_is_sent_away() -> None:
    with office(settings=Settings(command=60, data=0.2, linger=0.2, pace=100_000)) as place:
        with place.connect() as connection:
            connection.sendall(ONE[:-5])
            connection.settimeout(0.01)
            replies = b""
            while b"421" not in replies:
                connection.sendall(b"x")
                with contextlib.suppress(TimeoutError):
                    replies += connection.recv(1000)
        assert [] == place.desk.letters


def test_who_dribbles_a_command_is_sent_away() -> None:
    with office(settings=HASTY) as place, place.connect() as connection:
        connection.settimeout(0.01)
        replies = b""
        while b"421" not in replies:
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                replies += connection.recv(1000)
        assert [220, 421] == codes(replies)


def test_who_reads_no_replies_is_cut_off() -> None:
    with office(settings=HASTY, limits=Limits(idle=10**9)) as place, place.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            while True:
                connection.sendall(b"HELP\r\n" * 10_000)
        except (BrokenPipeError, ConnectionResetError):
            pass


def test_who_is_refused_in_the_middle_gets_to_read_why() -> None:
    with office() as place, place.connect() as connection:
        connection.sendall(HEAD + b"RCPT TO:<c@example.org>\r\nDATA\r\nbare\n")
        for _ in range(40):
            connection.sendall(b"x" * 100_000)
        connection.shutdown(socket.SHUT_WR)
        assert [220, 250, 250, 250, 354, 554] == codes(read_all(connection))


def test_who_goes_on_for_ever_after_a_refusal_is_cut_off() -> None:
    with office(settings=Settings(linger=600)) as place, place.connect() as connection:
        connection.sendall(b"bare\n")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                connection.sendall(b"x" * 100_000)


def test_there_are_so_many_connections_and_no_more() -> None:
    with office(settings=Settings(connections=3)) as place:
        held = [place.connect() for _ in range(3)]
        for one in held:
            assert [220] == codes(read_reply(one))
        with place.connect() as late:
            assert b"421 4.3.2" == read_all(late)[:9]
        held[0].sendall(b"QUIT\r\n")
        assert [221] == codes(read_all(held[0]))
        with place.connect() as next_one:
            assert b"220" == next_one.recv(3)
        for one in held:
            one.close()


def test_one_address_has_only_its_share() -> None:
    with office(settings=Settings(connections_each=2)) as place:
        held = [place.connect() for _ in range(2)]
        for one in held:
            read_reply(one)
        with place.connect() as late:
            assert b"421 4.7.0" == read_all(late)[:9]
        for one in held:
            one.close()


def test_who_comes_too_often_waits() -> None:
    with office(settings=Settings(arrivals_each=5)) as place:
        for _ in range(5):
            assert [220, 221] == codes(place.talk(b"QUIT\r\n"))
        assert b"421 4.7.0" == place.talk(b"")[:9]


def test_our_own_mta_is_not_counted_by_address() -> None:
    with office("lmtp", settings=Settings(connections_each=1, arrivals_each=1)) as place:
        held = [place.connect() for _ in range(3)]
        assert [[220]] * 3 == [codes(read_reply(one)) for one in held]
        for one in held:
            one.close()


def test_a_flood_of_connections_leaves_nothing_behind() -> None:
    with office(settings=Settings(connections=20, connections_each=1000, arrivals_each=10_000)) as place:
        flood = [place.connect() for _ in range(300)]
        for one in flood:
            one.close()
        # Those that were let in are gone as soon as the server has seen them go.
        while 250 not in codes(place.talk(ONE)):
            pass
        assert 1 == len(place.desk.letters)


def test_a_server_that_stops_says_so_to_who_waits() -> None:
    with office() as place, place.connect() as connection:
        read_reply(connection)
        place.stop(5)
        assert b"421 4.3.2" == read_all(connection)[:9]


def test_a_server_that_stops_takes_the_message_that_comes_in() -> None:
    with office() as place, place.connect() as connection:
        place.desk.is_open.clear()
        connection.sendall(ONE)
        assert place.desk.arrived.wait(60)
        stopping = threading.Thread(target=place.stop, args=(60,))
        stopping.start()
        with pytest.raises(ConnectionError):
            while True:
                place.connect().close()
        place.desk.is_open.set()
        assert [220, 250, 250, 250, 354, 250, 421] == codes(read_all(connection))
        stopping.join(60)
        assert 1 == len(place.desk.letters)


def test_a_server_that_stops_lets_a_message_come_to_its_end() -> None:
    with office() as place, place.connect() as connection:
        connection.sendall(ONE[:-3])
        assert [220, 250, 250, 250, 354] == [codes(read_reply(connection))[0] for _ in range(5)]
        stopping = threading.Thread(target=place.stop, args=(60,))
        stopping.start()
        with pytest.raises(ConnectionError):
            while True:
                place.connect().close()
        connection.sendall(b".\r\n")
        assert [250, 421] == codes(read_all(connection))
        stopping.join(60)


def test_a_server_that_stops_does_not_wait_for_ever_and_promises_nothing() -> None:
    with office() as place, place.connect() as connection:
        place.desk.is_open.clear()
        connection.sendall(ONE)
        assert place.desk.arrived.wait(60)
        place.stop(0)
        assert b"Kept" not in read_all(connection)


def test_a_message_is_taken_although_the_peer_has_gone() -> None:
    with office() as place:
        place.desk.is_open.clear()
        with place.connect() as connection:
            connection.sendall(ONE)
            assert place.desk.arrived.wait(60)
        place.desk.is_open.set()
        place.stop(60)
        assert 1 == len(place.desk.letters)


def test_a_disk_that_takes_nothing_is_a_temporary_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with office(settings=Settings(memory=0)) as place:
        assert [220, 250, 250, 250, 354, 452, 250] == codes(place.talk(ONE + b"NOOP\r\n"))
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        assert 250 == codes(place.talk(ONE))[-1]
