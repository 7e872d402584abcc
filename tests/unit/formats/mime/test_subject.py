"""The base subject (RFC 5256 §2.1)."""

from __future__ import annotations

import pytest

from posthouse.formats.mime import base_subject


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("hello", "hello"),
        ("  hello \t there  ", "hello there"),
        ("Re: hello", "hello"),
        ("RE: re : Fw: FWD: hello", "hello"),
        ("re[2]: hello", "hello"),
        ("Re [list] : hello", "hello"),
        ("[list] Re: hello", "hello"),
        ("[list] hello", "hello"),
        ("[a] [b] hello", "hello"),
        ("[a] Re: [b] hello", "hello"),
        ("[list]", "[list]"),
        ("[a][b]", "[b]"),
        ("hello (fwd)", "hello"),
        ("hello (FWD) (fwd) ", "hello"),
        ("[fwd: hello]", "hello"),
        ("[Fwd: Re: hello (fwd)]", "hello"),
        ("Re: [fwd: [fwd: Re: hello]]", "hello"),
        ("Regarding: hello", "Regarding: hello"),
        ("Re", "Re"),
        ("Re:", ""),
        ("", ""),
        ("hello Re: there", "hello Re: there"),
        ("[open hello", "[open hello"),
    ],
)
def test_base_subject(subject: str, base: str) -> None:
    assert base == base_subject(subject)


@pytest.mark.parametrize("piece", ["re:", "[a]", "[", "(fwd)", "[fwd:", " ", "re [a]"])
def test_long_subjects_take_bounded_time(piece: str) -> None:
    base_subject(piece * 100_000)
