"""The figures of RFC 9553 and 9555, from their very texts: each Card, and each that a vCard becomes."""

from __future__ import annotations

import json
import re
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

import pytest

from posthouse.formats.jscard import faults, from_vcard, to_vcard
from posthouse.formats.vcard import read, write

SPECS = Path(__file__).resolve().parents[5] / "shared" / "specs"
CARDS = SPECS / "rfc9553-jscontact.txt"
CONVERSIONS = SPECS / "rfc9555-jscontact-vcard-conversion.txt"
PROPERTY = re.compile(r"([a-z0-9]+\.)?[A-Z][A-Z0-9-]*[;:]")
MEMBER = re.compile(r' *\{| *"[\w.:]+": ?["{\[]')
BROKEN = (35, 36)  # a text is cut by the end of a line; a comma is missing
PLAIN = {"@type": "Card", "version": "2.0"}

# What is the same for JSContact, or wrong in the figure, by the number of the figure: theirs becomes ours.
OTHERS: dict[int, dict[str, Any]] = {
    1: {"phones/0/vCardParams": None},  # the name of a group that groups nothing may be kept, and is not
    3: {"titles": {"t1": {"kind": "title", "name": "Boss"}}},  # the default is written out
    4: {"titles": {"t1": {"kind": "title", "name": "Boss"}}},
    5: {"language": "zh-hant"},  # tags are in lower case
    9: {"anniversaries/1/date": {"year": 1996, "month": 4, "day": 15}},  # the figure has misread the date
    24: {"uid": None},  # the vCard has none
}
Json = dict[str, Any]
_MAPS = (
    *("addresses", "anniversaries", "calendars", "cryptoKeys", "directories", "emails", "links", "media"),
    *(
        "nicknames",
        "notes",
        "onlineServices",
        "organizations",
        "personalInfo",
        "phones",
        "preferredLanguages",
    ),
    *("pronouns", "schedulingAddresses", "titles"),
)


def figures(text: Path) -> list[tuple[int, list[str]]]:
    """Each figure of a standard: its number and its lines, perhaps with some prose before them."""
    lines = text.read_text().split("\n") if text.exists() else []
    found = []
    for at, line in enumerate(lines):
        caption = re.match(r" +Figure (\d+): [^.]+$", line)
        if caption is None:
            continue
        start = at
        # Prose, headings and captions lie before; no line of a figure begins like them.
        while not re.match(r"   [A-Z][a-z].* [a-z]|\d+\.\d+| {8,}[A-Zv]", lines[start - 1]):
            start -= 1
        shown = [line[3:] for line in lines[start:at] if line.strip() not in ("", "...")]
        found.append((int(caption[1]), shown))
    return found


def conversions() -> list[tuple[int, bytes, Json]]:
    """Each figure that shows both: its number, the vCard and the Card."""
    found = []
    for number, lines in figures(CONVERSIONS):
        shown = [*dropwhile(lambda line: PROPERTY.match(line) is None, lines)]
        vcard = [*takewhile(lambda line: line[0] not in '"{', shown)]
        if vcard and shown[len(vcard) :]:
            source = _vcard(re.sub(r"\n +", "", "\n".join(vcard)))
            found.append((number, source, _card(shown[len(vcard) :])))
    return found


def cards() -> list[tuple[int, Json]]:
    """Each figure that shows a Card or some of its properties."""
    found = []
    for number, lines in figures(CARDS):
        shown = [*dropwhile(lambda line: MEMBER.match(line) is None, lines)]
        if shown and number not in BROKEN:
            found.append((number, _card(shown)))
    return found


def _card(lines: list[str]) -> Json:
    text = "\n".join(lines).strip().rstrip(",")
    found: Json = json.loads(text if text[0] == "{" else "{" + text + "}")
    return PLAIN | found | {"version": "2.0"}


def _vcard(text: str) -> bytes:
    whole = text if text.startswith("BEGIN:VCARD") else f"BEGIN:VCARD\nVERSION:4.0\n{text}\nEND:VCARD"
    return whole.replace("\n", "\r\n").encode() + b"\r\n"


def without_keys(card: Json) -> Any:
    """A card whose maps are lists, since the keys are up to each program; nor matters the order of components."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: [plain(one) for one in item.values()]
                if name in _MAPS and isinstance(item, dict)
                else plain(item)
                for name, item in value.items()
                if name != "localizations"
            }
        return [plain(one) for one in value] if isinstance(value, list) else value

    found = plain(card)
    for title in found.get("titles", ()):
        title.pop("organizationId", None)  # it is a key
    for address in found.get("addresses", ()):
        address["components"].sort(key=lambda one: (one["kind"], one["value"]))
    return found


def ours(number: int, card: Json) -> Json:
    """The card of a figure as it should be."""
    changed: Json = json.loads(json.dumps(card))
    for path, value in OTHERS.get(number, {}).items():
        *parents, name = path.split("/")
        inside: Any = changed
        for parent in parents:
            inside = [*inside.values()][int(parent)] if parent.isdigit() else inside[parent]
        if value is None:
            del inside[name]
        else:
            inside[name] = value
    return changed


@pytest.mark.skipif(not SPECS.exists(), reason="../shared/specs is absent")
def test_the_figures_are_found() -> None:
    assert {*range(1, 45)} <= {number for number, _, _ in conversions()}
    assert {1, 3, 4, 6, *range(7, 45)} - {*BROKEN} == {number for number, _ in cards()}


@pytest.mark.parametrize(("number", "vcard", "card"), conversions(), ids=lambda value: str(value)[:3])
def test_a_vcard_is_converted_as_it_is_shown(number: int, vcard: bytes, card: Json) -> None:
    wanted = ours(number, card)
    (source,) = read(vcard)
    assert without_keys(wanted) == without_keys(from_vcard(source))
    assert [] == faults(wanted)
    (back,) = read(write(to_vcard(wanted)))
    assert wanted == from_vcard(back)


@pytest.mark.parametrize(("number", "card"), cards(), ids=lambda value: str(value)[:3])
def test_a_card_that_is_shown_is_valid_and_becomes_a_vcard_and_itself_again(number: int, card: Json) -> None:
    assert [] == faults(card)
    (back,) = read(write(to_vcard(card)))
    assert card == from_vcard(back)
