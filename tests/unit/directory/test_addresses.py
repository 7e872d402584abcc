from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.directory.addresses import Address, key, parse
from posthouse.directory.error import DirectoryError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.org", Address("ada@example.org", "ada@example.org", "example.org")),
        ("Ada.L+x@Example.ORG", Address("Ada.L+x@example.org", "ada.l+x@example.org", "example.org")),
        ("ada@localhost", Address("ada@localhost", "ada@localhost", "localhost")),
        (
            "max@Müller.example",
            Address("max@xn--mller-kva.example", "max@xn--mller-kva.example", "xn--mller-kva.example"),
        ),
        (
            "用户@例子.广告",
            Address("用户@xn--fsqu00a.xn--4rr70v", "用户@xn--fsqu00a.xn--4rr70v", "xn--fsqu00a.xn--4rr70v"),
        ),
        ("rene\u0301@example.org", Address("ren\u00e9@example.org", "ren\u00e9@example.org", "example.org")),
    ],
)
def test_an_address_is_normalised(text: str, expected: Address) -> None:
    assert expected == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "@example.org", "ada@", "a b@example.org", ".ada@example.org", "ada.@example.org",
        "a..b@example.org", '"a b"@example.org', "ada@[127.0.0.1]", "ada@127.0.0.1", "ada@-x.org", "ada@x-.org",
        "ada@exa_mple.org", "ada@example..org", "ada@example.org.", "a@b@example.org", "ada\x00@example.org",
        "ada\u200b@example.org", "ada\u3000@example.org", "ada\ud800@example.org", "ada@ex\ud800.org",
        "a" * 65 + "@example.org", "é" * 33 + "@example.org", "ada@" + "a" * 64 + ".org",
        "ada@" + "a." * 130 + "org", "ada@xn--a.org", "ada@" + "é" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(DirectoryError) as caught:
        parse(text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1000
    assert message.isprintable()
    assert key(text) is None


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_key_is_its_own_key_whatever_is_typed(local: str, domain: str) -> None:
    found = key(f"{local}@{domain}")
    if found is not None:
        assert found == key(found)
        assert found == key(parse(f"{local}@{domain}").shown)


@given(st.from_regex(r"[A-Za-z0-9ß-ÿĀ-ƿΑ-ωİ]{1,10}", fullmatch=True))
def test_case_never_makes_another_person(local: str) -> None:
    found = key(f"{local}@example.org")
    assert found is not None
    assert found == key(found)
    assert found == key(f"{local.casefold()}@EXAMPLE.org")
