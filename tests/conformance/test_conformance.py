"""The table of requirements is whole, and what it names is there."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
KEYWORD = re.compile(r"\b(MUST|SHOULD|SHALL|REQUIRED|RECOMMENDED)\b")
STANDARDS = {
    "8620": "rfc8620-jmap-core.txt",
    "8621": "rfc8621-jmap-mail.txt",
    "8887": "rfc8887-jmap-websocket.txt",
    "9610": "rfc9610-jmap-contacts.txt",
    "9670": "rfc9670-jmap-sharing.txt",
    "9749": "rfc9749-jmap-webpush-vapid.txt",
    "emailpush": "draft-ietf-jmap-emailpush-03.txt",
}
LEFT_OUT = {
    "8620": ("", "9"),
    "8621": ("",),
    "8887": ("",),
    "9610": ("",),
    "9670": ("",),
    "9749": ("",),
    "emailpush": ("",),
}
"""Sections without rows: the front matter and registries."""


@pytest.fixture(scope="module")
def conformance() -> ModuleType:
    path = ROOT / "tools" / "conformance.py"
    spec = importlib.util.spec_from_file_location("conformance", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_each_test_that_is_named_exists(conformance: ModuleType) -> None:
    assert [] == conformance.missing()


def test_the_page_is_up_to_date(conformance: ModuleType) -> None:
    assert conformance.PAGE.read_text() == conformance.page()


@pytest.mark.parametrize("rfc", STANDARDS)
def test_each_demand_of_the_standard_has_its_row(conformance: ModuleType, rfc: str) -> None:
    path = ROOT.parent / "shared" / "specs" / STANDARDS[rfc]
    if not path.exists():
        pytest.skip("../shared/specs is absent")
    expected = dict(_demands(path, rfc))
    rows = {one.id: one for one in conformance.requirements() if one.rfc == rfc}
    assert list(expected) == list(rows)
    assert [] == [id for id, row in rows.items() if row.says not in expected[id]]


def _demands(path: Path, rfc: str) -> Iterator[tuple[str, str]]:
    for section, text in _sections(path):
        if any(section == left_out or section.startswith(left_out + ".") for left_out in LEFT_OUT[rfc]):
            continue
        sentences = re.split(r'(?<=[.:;])\s+(?=[A-Z"(o*\-])', text)
        for number, sentence in enumerate(filter(KEYWORD.search, sentences), 1):
            yield f"{rfc}-{section}-{number}", sentence


def _sections(path: Path) -> Iterator[tuple[str, str]]:
    """The sections of an RFC, without page breaks and table of contents, each on one line."""
    text = path.read_text().replace("\f", "")
    text = re.sub(r"\n+(?:Jenkins & Newman|Murchison) .*\n+RFC \d+ .*\n+", "\n", text)
    section, lines = "", []
    for line in text.split("\n"):
        heading = re.match(r"(\d+(?:\.\d+)*)\.\s{1,3}\S", line)
        if heading and ". . " not in line and "...." not in line:
            yield section, " ".join(" ".join(lines).split())
            section, lines = heading[1], []
        lines.append(line)
    yield section, " ".join(" ".join(lines).split())
