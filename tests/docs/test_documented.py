"""Nothing that a user can set or type is undocumented, and what the pages show works."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from posthouse.app import pushing
from posthouse.app.cli import main
from posthouse.app.config import Config, load
from posthouse.app.wiring import CAPABILITIES
from posthouse.serve.http import urls

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = (ROOT / "docs" / "reference" / "configuration.md").read_text()


def keys(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


@pytest.mark.parametrize("key", list(keys(Config)))
def test_each_key_of_the_configuration_is_documented(key: str) -> None:
    assert f"`{key}`" in REFERENCE


def test_the_example_configuration_is_one(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", REFERENCE, re.DOTALL)
    file = tmp_path / "posthouse.toml"
    file.write_text(example)
    assert tomllib.loads(example)["listen"] == load(file).listen


def commands(group: click.Command, name: str) -> Iterator[str]:
    if isinstance(group, click.Group):
        context = click.Context(group)
        for verb in group.list_commands(context):
            command = group.get_command(context, verb)
            assert command is not None
            yield from commands(command, f"{name} {verb}")
    else:
        yield name


@pytest.mark.parametrize("command", list(commands(main, "posthouse")))
def test_each_command_is_documented(command: str) -> None:
    assert any(command in page.read_text() for page in PAGES)


@pytest.mark.parametrize("uri", [one.uri for one in (*CAPABILITIES, *pushing.CAPABILITIES)])
def test_each_capability_is_documented(uri: str) -> None:
    assert any(uri in page.read_text() for page in PAGES)


@pytest.mark.parametrize("path", [getattr(urls, name) for name in urls.__all__])
def test_each_endpoint_is_documented(path: str) -> None:
    assert path in (ROOT / "docs" / "reference" / "endpoints.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_the_python_of_the_readme_runs() -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)
    assert "/.well-known/jmap" in done.stdout


def test_the_first_request_of_the_readme_works() -> None:
    """The very lines, but for the address."""
    from posthouse.testing import Server

    readme = (ROOT / "README.md").read_text()
    [script] = [
        block for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "Email/query" in block
    ]
    with Server() as server:
        demo = server.users["demo@example.org"]
        script = script.replace("http://127.0.0.1:8080", server.url.rstrip("/"))
        script = script.replace("demo@example.org:demo", f"{demo.name}:{demo.password}")
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert (0, 3) == (done.returncode, done.stdout.count('"subject"'))
