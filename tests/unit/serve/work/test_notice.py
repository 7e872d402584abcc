"""What is sent to push services, and that it always fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.kit import ids
from posthouse.kit.json import loads
from posthouse.model.subscription import Subscription
from posthouse.serve.work import notice
from posthouse.serve.work.notice import LONGEST, Notice

SUBSCRIPTION = Subscription(
    1, ("token", 1), "device", "https://push.example.net/", None, "code", None, None, None
)
STATES = st.dictionaries(
    st.sampled_from(["Email", "EmailDelivery", "Mailbox", "Thread", 'Größe "1"']),
    st.integers(0, 2**40).map(ids.encode),
    min_size=1,
)
CHANGED = st.dictionaries(
    st.integers(0, 2**31).map(lambda number: "a" + ids.encode(number)), STATES, max_size=300
)


@given(CHANGED)
def test_changes_are_cut_so_that_each_part_fits_and_nothing_is_lost(
    changed: dict[str, dict[str, str]],
) -> None:
    together: dict[str, dict[str, str]] = {}
    notices = notice.state_changes(changed, SUBSCRIPTION)
    for one in notices:
        content = loads(one.content)
        assert "StateChange" == content["@type"]
        assert len(one.content) <= LONGEST
        for account, states in content["changed"].items():
            held = together.setdefault(account, {})
            assert not held.keys() & states.keys()
            held |= states
    assert changed == together
    octets = sum(len(one.content) for one in notices)
    assert len(notices) <= 1 + octets // (LONGEST - 200)


def test_few_changes_are_one_message() -> None:
    assert [] == notice.state_changes({}, SUBSCRIPTION)
    assert 1 == len(notice.state_changes({f"a{n}": {"Email": "1"} for n in range(99)}, SUBSCRIPTION))


def test_nothing_is_kept_beyond_the_end() -> None:
    for ends, ttl in ((None, "600"), (1300, "300"), (5000, "600"), (999, "0")):
        _, headers = notice.request(Notice(b"{}", ttl=600), SUBSCRIPTION, "vapid", ends, 1000)
        assert ttl == headers["TTL"]
