"""What we send, Postfix takes: the queue against a receiving server that others wrote."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from pathlib import Path

import pytest

from postbox.postfix import postfix
from postbox.station import MESSAGE, NAME, Station, station
from posthouse.kit import clock


@pytest.mark.peer("postfix")
def test_postfix_takes_what_we_send_and_refuses_what_is_not_for_it(tmp_path: Path) -> None:
    async def send(port: int) -> dict[str, tuple[str, str]]:
        async with station(tmp_path) as at:
            at.now = clock.now() + 3600  # so that nothing waits for this clock
            at.roads.ports["far.example"] = at.roads.ports["other.example"] = port
            async with at.relaying():
                id = await at.submit("ben@far.example", "nobody@far.example", "x@other.example", data=DOTS)
                await at.until(at.is_empty)
                await told(at)
            return await at.delivered(id)

    with postfix() as peer:
        found = asyncio.run(send(peer.port))
        assert "unknown" == found["ben@far.example"][0]
        assert found["ben@far.example"][1].startswith("250 2.0.0 Ok: queued as")
        assert ("no", "550 5.1.1") == (found["nobody@far.example"][0], found["nobody@far.example"][1][:9])
        assert ("no", "554 5.7.1") == (found["x@other.example"][0], found["x@other.example"][1][:9])
        asyncio.run(filed(peer.folder / "mail" / "ben" / "new"))
        [data] = peer.messages
    got = message_from_bytes(data)
    assert "<ann@near.example>" == got["Return-Path"]
    assert None is got["Bcc"]
    assert f"from {NAME}" in got["Received"]
    assert ".dot\n..dots\n" == got.get_payload()


DOTS = MESSAGE.replace(b"Text\r\n", b".dot\r\n..dots\r\n")


async def told(at: Station) -> None:
    """Wait until the sender has heard of the two who did not get it."""

    async def has_heard() -> bool:
        return any(b"nobody@far.example" in one for one in await at.inbox())

    await at.until(has_heard)


async def filed(folder: Path) -> None:
    """Wait until Postfix has put something into a Maildir."""
    async with asyncio.timeout(30):
        while not folder.exists() or not any(folder.iterdir()):
            await asyncio.sleep(0.02)
