"""HTTPS as a client meets it (RFC 8620 §8.1)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from posthouse.testing import Server


@pytest.fixture(scope="module")
def tls_server() -> Iterator[Server]:
    with Server(messages=0, tls=True) as server:
        yield server


def _handshake(server: Server, version: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=server.ca)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this side alone would refuse old versions
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        context.minimum_version = context.maximum_version = version
    address = urlsplit(server.url)
    assert address.hostname is not None
    with (
        socket.create_connection((address.hostname, address.port or 443)) as connection,
        context.wrap_socket(connection, server_hostname=address.hostname) as secured,
    ):
        return secured.version()


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_tls_from_1_2_on_is_spoken(tls_server: Server, version: ssl.TLSVersion, name: str) -> None:
    assert name == _handshake(tls_server, version)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("name", ["TLSv1", "TLSv1_1"])
def test_older_tls_is_refused(tls_server: Server, name: str) -> None:
    with pytest.raises(OSError):
        _handshake(tls_server, ssl.TLSVersion[name])


def test_the_session_leads_to_https_only(tls_server: Server) -> None:
    user = tls_server.users["demo@example.org"]
    context = ssl.create_default_context(cafile=tls_server.ca)
    session = httpx.get(tls_server.session_url, auth=(user.name, user.password), verify=context).json()
    for name in ("apiUrl", "downloadUrl", "uploadUrl", "eventSourceUrl"):
        assert session[name].startswith("https://"), name


def test_plain_http_on_its_port_is_no_answer(tls_server: Server) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(tls_server.session_url.replace("https:", "http:"))
