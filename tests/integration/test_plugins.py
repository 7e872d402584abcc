"""Capabilities of other packages: installed, used, taken out, put back, renewed; and broken ones."""

from __future__ import annotations

import ast
import base64
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import pytest

from posthouse.testing.client import Jmap
from wire import package
from wire.events import QUERY, Events

from .conftest import COMMAND, NAME, PASSWORD, Commands

BASIC = "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
URI = "https://bakery.example/jmap"
CAKE = {"name": "Sesame", "bakedAt": "2024-01-01T00:00:00Z", "price": 3}


@dataclass
class Kitted(Commands):
    """Commands for which the packages in a folder are installed."""

    target: Path

    def environment(self) -> dict[str, str]:
        return package.seeing(self.target)


@pytest.fixture(scope="session")
def bakery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, built and installed."""
    target = tmp_path_factory.mktemp("site")
    package.install(package.BAKERY, target)
    return target


@pytest.fixture
def kitted(tmp_path: Path, bakery: Path) -> Iterator[Kitted]:
    """A data folder with an account, and the example package."""
    commands = Kitted(tmp_path / "data", bakery)
    commands.add()
    yield commands


def bake(client: Jmap) -> tuple[str, str, dict[str, Any]]:
    """Make a shelf with a cake on it; give the ids and the answer."""
    (_, made, _), (_, baked, _) = client.call(
        ("Shelf/set", {"create": {"s": {"name": "top"}}}),
        ("Cake/set", {"create": {"c": {**CAKE, "shelfIds": {"#s": True}}}}),
    )
    return made["created"]["s"]["id"], baked["created"]["c"]["id"], baked


def test_an_installed_type_answers_over_http_and_its_changes_are_told(kitted: Kitted) -> None:
    with kitted.serving("serve", "--workers", "2") as server:
        client = server.client()
        assert {URI} < client.session["capabilities"].keys()
        with Events(f"{server.url}/jmap/eventsource/?{QUERY}", authorization=BASIC).welcome() as events:
            shelf, cake, baked = bake(client)
            told: dict[str, str] = {}
            while baked["newState"] != told.get("Cake"):
                event = events.next()
                assert event is not None
                told |= event.data["changed"][client.account]
            assert {"Shelf", "Order", "Cake", "CakeDelivery"} == told.keys()
        [stored] = client.ask("Cake/get", ids=[cake], properties=["name", "slogan", "orderId"])["list"]
        assert ("Sesame", "Try the Sesame!") == (stored["name"], stored["slogan"])
        [on] = client.ask("Shelf/get", ids=[shelf])["list"]
        assert (1, {True}) == (on["totalCakes"], {*on["myRights"].values()})
        asked = {"filter": {"onShelf": shelf, "text": "sesame"}, "sort": [{"property": "bakedAt"}]}
        found = client.ask("Cake/query", **asked)
        assert [cake] == found["ids"]
        assert 3 == client.ask("Order/bill", orderId=stored["orderId"])["total"]
        refused = client.ask("Shelf/set", destroy=[shelf])["notDestroyed"][shelf]
        assert "shelfHasCakes" == refused["type"]
        client.ask("Cake/set", destroy=[cake])
        assert [cake] == client.ask("Cake/changes", sinceState=baked["newState"])["destroyed"]
        changes = client.ask("Cake/queryChanges", **asked, sinceQueryState=found["queryState"])
        assert [cake] == changes["removed"]


def test_what_is_installed_is_shown_once(kitted: Kitted) -> None:
    shown = subprocess.run(
        [*COMMAND, "--version"], env=kitted.environment(), capture_output=True, text=True, timeout=100
    ).stdout
    assert "posthouse-bakery 1.0" == shown.splitlines()[1]
    with kitted.serving("serve", "--workers", "2") as server:
        server.end()
        assert server.popen.stderr is not None
        lines = [line for line in server.popen.stderr if "app.plugin" in line]
    assert 1 == len(lines) and "posthouse-bakery" in lines[0]


def test_a_package_that_is_taken_out_leaves_its_objects_and_finds_them_again(
    kitted: Kitted, posthouse: Commands, tmp_path: Path
) -> None:
    with kitted.serving("serve") as server:
        shelf, cake, _ = bake(server.client())
    with posthouse.serving("serve") as server:
        client = server.client()
        assert URI not in client.session["capabilities"]
        [(name, error, _)] = client.call(("Cake/get", {"ids": None}))
        assert ("error", "unknownMethod") == (name, error["type"])
        url = f"{server.url}/jmap/eventsource/?{QUERY}"
        with Events(url, authorization=BASIC, last_event_id="unknown") as events:
            client.ask("Mailbox/set", create={"m": {"name": "new"}})
            event = events.next()
            assert event is not None
            assert {"Mailbox"} <= event.data["changed"][client.account].keys()
            assert {"Cake", "Shelf"}.isdisjoint(event.data["changed"][client.account])
    assert 0 == posthouse.run("export", NAME, tmp_path / "out").returncode
    with kitted.serving("serve") as server:
        client = server.client()
        assert [cake] == [one["id"] for one in client.ask("Cake/get", ids=None)["list"]]
        assert [shelf] == client.ask("Shelf/query")["ids"]


def test_an_account_is_removed_with_what_a_package_left(kitted: Kitted, posthouse: Commands) -> None:
    with kitted.serving("serve") as server:
        bake(server.client())
    assert 0 == posthouse.run("account", "remove", NAME, "--yes").returncode
    for file in (posthouse.data / "shards").glob("*.db"):
        with apsw.Connection(str(file)) as connection:
            assert [(0,)] == connection.execute("SELECT count(*) FROM obj_cake").fetchall()
        connection.close()


PRICE = 'Property("price", UnsignedInt() | None, default=None, index=True),'


def renewed(bakery: Path, target: Path, price: str) -> Path:
    """Copy the installed package, with another declaration of the price of a cake."""
    target.mkdir()
    for file in bakery.rglob("*"):
        if file.is_file() and file.suffix != ".pyc":
            copy = target / file.relative_to(bakery)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())
    module = target / "posthouse_bakery" / "cake.py"
    assert PRICE in module.read_text()
    module.write_text(module.read_text().replace(PRICE, price))
    return target


def test_a_new_version_may_add_to_a_type(kitted: Kitted, bakery: Path, tmp_path: Path) -> None:
    with kitted.serving("serve") as server:
        _, cake, baked = bake(server.client())
    both = f'{PRICE} Property("glaze", String(), default="none", sorted=True),'
    kitted.target = renewed(bakery, tmp_path / "1.1", both)
    with kitted.serving("serve") as server:
        client = server.client()
        [stored] = client.ask("Cake/get", ids=[cake])["list"]
        assert ("none", 3, "Sesame") == (stored["glaze"], stored["price"], stored["name"])
        [(_, error, _)] = client.call(("Cake/changes", {"sinceState": baked["newState"]}))
        assert "cannotCalculateChanges" == error["type"]
        client.ask("Cake/set", update={cake: {"glaze": "sugar"}})
        assert "sugar" == client.ask("Cake/get", ids=[cake])["list"][0]["glaze"]


def test_a_new_version_that_takes_values_away_is_refused_in_one_line(
    kitted: Kitted, bakery: Path, tmp_path: Path
) -> None:
    with kitted.serving("serve") as server:
        bake(server.client())
    kitted.target = renewed(
        bakery, tmp_path / "2.0", PRICE.replace("default=None", "server=True, part=Part.COMPUTED")
    )
    done = kitted.run("account", "list")
    assert (1, "") == (done.returncode, done.stdout)
    [line] = done.stderr.splitlines()
    assert line.startswith("posthouse: Cake was declared otherwise") and "'price' is missing" in line


BROKEN = {
    "import": ("import nowhere", "No module named 'nowhere'"),
    "exit": ("raise SystemExit('no licence')", "no licence"),
    "syntax": ("it's", "SyntaxError"),
    "nothing": ("", "has no attribute 'IT'"),
    "kind": ("IT = 3", "is no Capability, but of type int"),
    "uri": ("IT = Capability('urn:ietf:params:jmap:mail')", "urn:ietf:params:jmap:mail: declared twice"),
    "key": ("IT = Capability('urn:ietf:params:jmap:webpush-vapid')", "declared twice"),
    "name": ("IT = Capability('x', types=[Type('Email', letter='x', methods='', properties=[])])", "Email"),
    "case": ("IT = Capability('x', types=[Type('EMAIL', letter='x', methods='', properties=[])])", "EMAIL"),
    "letter": (
        "IT = Capability('x', types=[Type('Thing', letter='e', methods='get', properties=[])])",
        "its letter 'e' is that of Email",
    ),
    "letters": (
        "IT = Capability('x', types=[Type('T', letter='', methods='', properties=[])])",
        "from a to z",
    ),
    "table": ("IT = Capability('x', types=[Type('a b', letter='x', methods='', properties=[])])", "'a b'"),
    "column": (
        "IT = Capability('x', types=[Type('T', letter='x', methods='', properties=[Property('a\"b', String())])])",
        "is no name",
    ),
    "rights": (
        "IT = Capability('x', types=[Type('T', letter='x', methods='', properties=[], needs={'create': 'may'})])",
        "needs the right 'may'",
    ),
    "words": ("IT = Capability('x', server=lambda limits: 1 / 0)", "ZeroDivisionError"),
    "json": ("IT = Capability('x', server=lambda limits: {'x': object()})", "not JSON serializable"),
}
IMPORTS = """
from posthouse.model.capability import Capability
from posthouse.model.kind import String
from posthouse.model.property import Property
from posthouse.model.type import Type
"""


@pytest.mark.parametrize(("code", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_named_in_one_line(tmp_path: Path, code: str, said: str) -> None:
    site = tmp_path / "site"
    site.mkdir()
    package.fake(site, "posthouse-broken", {"it": "posthouse_broken:IT"}, IMPORTS + code)
    done = Kitted(tmp_path / "data", site).run("account", "list")
    assert (1, "") == (done.returncode, done.stdout)
    [line] = done.stderr.splitlines()
    assert line.startswith("posthouse: the package posthouse-broken 1.0 cannot be used: ") and said in line
    assert line.endswith("pip uninstall posthouse-broken")
    assert not (tmp_path / "data").exists()


def test_of_two_packages_that_want_the_same_one_is_named(tmp_path: Path) -> None:
    for name in ("posthouse-a", "posthouse-b"):
        package.fake(tmp_path, name, {"it": f"{name.replace('-', '_')}:IT"}, IMPORTS + "IT = Capability('x')")
    done = Kitted(tmp_path / "data", tmp_path).run("serve", "--workers", "2")
    assert 1 == done.returncode
    assert "posthouse-b 1.0 cannot be used: x: declared twice" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_packages_own_tests_pass(bakery: Path, tmp_path: Path) -> None:
    tests = package.BAKERY / "tests"
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(tests)]
    done = subprocess.run(
        pytest_, cwd=tmp_path, env=package.seeing(bakery), capture_output=True, text=True, timeout=100
    )
    assert 0 == done.returncode, done.stdout


PUBLIC = ("posthouse.model.", "posthouse.testing")
PUBLIC_MODULES = {"posthouse.proto.jmap.errors", "posthouse.kit.json", "posthouse.kit.limits"}


@pytest.mark.parametrize(
    "file", sorted(package.BAKERY.rglob("*.py")), ids=lambda file: str(file.relative_to(package.BAKERY))
)
def test_the_package_imports_only_what_is_public(file: Path) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(file.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    ours = {name for name in imported if name.split(".")[0] == "posthouse"} - PUBLIC_MODULES
    assert [] == [name for name in ours if not name.startswith(PUBLIC)]


def test_a_package_of_a_stranger_passes_strict_types(bakery: Path, tmp_path: Path) -> None:
    """As its author would check it: Posthouse is installed, and says that it is typed."""
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n")
    copy = tmp_path / "posthouse_bakery"
    copy.mkdir()
    for file in (bakery / "posthouse_bakery").glob("*.py"):
        (copy / file.name).write_text(file.read_text())
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            "mypy.ini",
            "--cache-dir",
            "cache",
            "posthouse_bakery",
        ],
        cwd=tmp_path,
        env=package.plain(),
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
