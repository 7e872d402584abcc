"""A message while it comes in."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.serve.smtp.spool import Budget, Spool


def put(spool: Spool, data: bytes) -> None:
    if spool.keeps_in_memory(len(data)):
        spool.append(data)
    else:
        spool.write(data)


@given(st.lists(st.binary(min_size=1, max_size=20)), st.integers(0, 60), st.integers(0, 60))
def test_what_is_put_in_comes_out_wherever_it_lies(pieces: list[bytes], in_memory: int, memory: int) -> None:
    budget = Budget(memory)
    spool = Spool(in_memory, budget)
    for piece in pieces:
        put(spool, piece)
    content = b"".join(pieces)
    assert len(content) == spool.size
    assert content == spool.read(0, spool.size)
    assert content[3:8] == spool.read(3, 5)
    assert b"" == spool.read(spool.size, 5)
    spool.close()
    assert budget.take(memory)


def test_a_file_goes_with_its_spool() -> None:
    spool = Spool(0, Budget(0))
    spool.write(b"x")
    file = spool._file
    assert file is not None
    assert 1 == os.fstat(file).st_size
    del spool
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
