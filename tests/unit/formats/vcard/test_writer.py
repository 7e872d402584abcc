"""What is written is vCard 4.0, and nothing in a value can become another property."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.formats.vcard import Card, Property, read, write

CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus" / "vcard"
ANY = st.text(max_size=40) | st.text(st.sampled_from('\r\n";:,^\\ =aB\u00e9\x00'), max_size=12)


def lines(*properties: Property) -> list[bytes]:
    return write(Card(list(properties))).split(b"\r\n")


def test_a_card_is_enclosed_and_named() -> None:
    assert [b"BEGIN:VCARD", b"VERSION:4.0", b"FN:Ada", b"END:VCARD", b""] == lines(Property("FN", "Ada"))


def test_groups_and_parameters_stand_before_the_colon() -> None:
    one = Property("TEL", "1", {"TYPE": ["home", "voice"], "LABEL": ['a:b\n"c"^'], "X-E": []}, "item1")
    assert b"item1.TEL;TYPE=home,voice;LABEL=\"a:b^n^'c^'^^\":1" == lines(one)[2]


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u6f22", "\U0001f600"])
@pytest.mark.parametrize("size", [68, 69, 70, 71, 72, 73, 74, 150, 1000])
def test_lines_are_folded_at_75_octets_between_characters(letter: str, size: int) -> None:
    value = letter * size
    folded = lines(Property("NOTE", value))[2:-2]
    assert all(len(line) <= 75 for line in folded)
    assert all(line.decode() and line.startswith(b" ") for line in folded[1:])
    assert f"NOTE:{value}" == folded[0].decode() + "".join(line[1:].decode() for line in folded[1:])


def test_nothing_can_begin_a_line_of_its_own() -> None:
    evil = "x\r\nEND:VCARD\r\nFN:y"
    (found,) = read(write(Card([Property("NOTE\nA", evil, {"X\r\nB": [evil]}, "g\n")])))
    assert ["NOTE-A"] == [one.name for one in found.properties]
    assert "x\\nEND:VCARD\\nFN:y" == found.properties[0].value


@given(ANY, ANY, ANY, st.none() | ANY)
def test_any_property_is_one_property_when_read(
    name: str, value: str, parameter: str, group: str | None
) -> None:
    (found,) = read(write(Card([Property("X" + name, value, {"X-A": [parameter]}, group)])))
    assert [] == found.faults
    assert 1 == len(found.properties)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cc", "Cs"))) | st.just("a\nb"), min_size=1, max_size=3
    )
)
def test_parameters_come_back(values: list[str]) -> None:
    (found,) = read(write(Card([Property("X-A", "", {"X-B": values})])))
    assert {"X-B": values} == found.properties[0].parameters


@pytest.mark.skipif(not CORPUS.is_dir(), reason="../shared/corpus/vcard is absent")
def test_cards_of_the_corpus_come_back_as_they_were() -> None:
    for path in sorted(CORPUS.glob("*.vcf")):
        for card in read(path.read_bytes()):
            written = write(card)
            (again,) = read(written)
            assert card.properties == again.properties
            assert written == write(again)
