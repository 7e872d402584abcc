"""When a push service wants the next try (RFC 9110 §10.2.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.serve.work.answer import seconds_to_wait

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        ("999999999", 999999999),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
        ("Sun, 06 Nov 1994 08:50:37 -0000", 60),
        ("Sun, 06 Nov 1994 08:48:37 GMT", 0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 252618189022),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 5000, None),
        ("soon", None),
        ("Sun, 99 Nov 1994 08:50:37 GMT", None),
        ("Sun, 06 Nov 99999999999999999999 08:50:37 GMT", None),
    ],
)
def test_the_time_to_wait(field: str | None, expected: int | None) -> None:
    assert expected == seconds_to_wait(field, NOW)


@given(st.text())
def test_any_field_is_a_time_or_none(field: str) -> None:
    wait = seconds_to_wait(field, NOW)
    assert wait is None or wait >= 0
