"""Header fields of a push (RFC 8030 §5)."""

from __future__ import annotations

import pytest

from posthouse.proto.webpush import header


def test_the_time_to_live_is_always_said() -> None:
    assert {"TTL": "0"} == header.fields(ttl=0)


def test_urgency_and_topic_are_said_if_they_differ_from_none() -> None:
    assert {"TTL": "30", "Urgency": "high", "Topic": "upd"} == header.fields(
        ttl=30, urgency="high", topic="upd"
    )


@pytest.mark.parametrize("topic", ["", "a" * 33, "a b", "a=", "a\r\nX: y", "ä", "upd\n"])
def test_a_topic_that_no_service_takes_is_refused(topic: str) -> None:
    with pytest.raises(ValueError):
        header.fields(ttl=0, topic=topic)


def test_a_negative_time_to_live_is_refused() -> None:
    with pytest.raises(ValueError):
        header.fields(ttl=-1)
