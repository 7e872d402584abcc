"""Who is let in."""

from __future__ import annotations

import pytest

from posthouse.serve.smtp.doorkeeper import Doorkeeper, origin_of, plain_address
from posthouse.serve.smtp.settings import Settings


def test_who_leaves_makes_room() -> None:
    door = Doorkeeper(Settings(connections=2, connections_each=1))
    assert door.enter("a", 0) is None
    refusal = door.enter("a", 0)
    assert refusal is not None
    assert "4.7.0" == refusal.enhanced
    assert door.enter("b", 0) is None
    refusal = door.enter("c", 0)
    assert refusal is not None
    assert "4.3.2" == refusal.enhanced
    door.leave("a")
    assert door.enter("a", 0) is None


def test_who_was_refused_costs_no_memory() -> None:
    door = Doorkeeper(Settings(arrivals_each=1, connections_each=5))
    assert door.enter("a", 0) is None
    door.leave("a")
    assert door.enter("a", 0) is not None
    assert {} == dict(door._of)


def test_arrivals_come_back_with_time() -> None:
    door = Doorkeeper(Settings(arrivals_each=2))
    assert [True, True, False] == [door.enter("a", 0) is None for _ in range(3)]
    assert [True, False] == [door.enter("a", 30) is None for _ in range(2)]


@pytest.mark.parametrize(
    ("socket_name", "address", "origin"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
    ],
)
def test_an_address_is_counted_with_those_its_host_commands(
    socket_name: str, address: str, origin: str
) -> None:
    assert address == plain_address(socket_name)
    assert origin == origin_of(address)
