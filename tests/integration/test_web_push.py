"""Pushes to a real HTTPS endpoint from real processes, of which those that push are killed."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from posthouse.testing import certificate
from posthouse.testing.client import Jmap
from wire.endpoint import Device, Endpoint, check_vapid

from .conftest import Commands
from .test_serve import needs_proc

VAPID = "urn:ietf:params:jmap:webpush-vapid"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    with closing(Endpoint(certificate.make(tmp_path))) as endpoint:
        yield endpoint


@pytest.fixture
def config(tmp_path: Path, endpoint: Endpoint) -> Path:
    path = tmp_path / "posthouse.toml"
    path.write_text(f'workers = 2\n[push]\nprivate_networks = ["127.0.0.1"]\nca = "{endpoint.ca}"\n')
    return path


def subscribe(client: Jmap, endpoint: Endpoint, device: Device) -> None:
    """Subscribe to Mailboxes, and send the code back."""
    asked = {"deviceClientId": "device", "url": endpoint.url(), "keys": device.keys, "types": ["Mailbox"]}
    answer = client.ask("PushSubscription/set", create={"a": asked})
    sent = device.read(endpoint.next())
    assert answer["created"]["a"]["id"] == sent["pushSubscriptionId"]
    verified = {sent["pushSubscriptionId"]: {"verificationCode": sent["verificationCode"]}}
    assert client.ask("PushSubscription/set", update=verified)["notUpdated"] is None


def make_mailbox(client: Jmap, name: str) -> str:
    """Make a Mailbox, whatever becomes of the worker that is asked, and give the state after it."""
    while True:
        try:
            answer = client.ask("Mailbox/set", create={"a": {"name": name}})
        except (OSError, http.client.HTTPException):
            name += "'"
            continue
        assert answer["notCreated"] is None
        return str(answer["newState"])


def wait_for(state: str, client: Jmap, endpoint: Endpoint, device: Device) -> Any:
    """Take pushes until one tells this state, and give the request that brought it."""
    while True:
        received = endpoint.next()
        if device.read(received)["changed"][client.account]["Mailbox"] == state:
            return received


@needs_proc
def test_when_the_worker_that_pushes_is_killed_another_pushes_what_was_missed(
    posthouse: Commands, endpoint: Endpoint, config: Path
) -> None:
    posthouse.add()
    device = Device()
    with posthouse.serving("serve", "--config", config) as server:
        client = server.client()
        subscribe(client, endpoint, device)
        wait_for(make_mailbox(client, "first"), client, endpoint, device)
        # One of them pushes; when that one is killed the other has been waiting, or is killed next.
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
            wait_for(make_mailbox(client, f"after {worker}"), client, endpoint, device)
        assert 0 == server.end()


def test_what_is_missed_while_nothing_runs_is_pushed_at_the_next_start_with_the_same_key(
    posthouse: Commands, endpoint: Endpoint, config: Path
) -> None:
    posthouse.add()
    device = Device()
    with posthouse.serving("serve", "--config", config) as server:
        client = server.client()
        key = client.session["capabilities"][VAPID]["applicationServerKey"]
        subscribe(client, endpoint, device)
        wait_for(make_mailbox(client, "first"), client, endpoint, device)
        assert 0 == server.end()
    letter = posthouse.data.parent / "letter.eml"
    letter.write_bytes(b"From: ada@example.org\nSubject: Missed\n\nHello\n")
    assert 0 == posthouse.run("import", "ada@example.org", letter).returncode
    with posthouse.serving("serve", "--config", config) as server:
        received = endpoint.next()
        assert "StateChange" == device.read(received)["@type"]
        claims = check_vapid(received, key, endpoint.origin, os.stat(letter).st_mtime - 60)
        assert {"aud", "exp"} == set(claims)
        assert key == server.client().session["capabilities"][VAPID]["applicationServerKey"]
        assert 0 == server.end()


def test_who_signs_out_by_the_command_line_is_pushed_nothing_more(
    posthouse: Commands, endpoint: Endpoint, config: Path
) -> None:
    posthouse.add()
    device = Device()
    with posthouse.serving("serve", "--config", config) as server:
        subscribe(server.client(), endpoint, device)
        changed = posthouse.run(
            "account", "password", "ada@example.org", "--password-stdin", stdin="another\n"
        )
        assert 0 == changed.returncode
        client = server.client(password="another")
        make_mailbox(client, "unseen")
        assert [] == client.ask("PushSubscription/get", ids=None)["list"]
        other = Device()
        subscribe(client, endpoint, other)
        wait_for(make_mailbox(client, "seen"), client, endpoint, other)
        assert endpoint.came.empty()
        assert 0 == server.end()
