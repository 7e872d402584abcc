"""A Postfix of the test's own, which takes mail by SMTP and keeps it in a Maildir."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mx.far.example
mydestination =
inet_interfaces = loopback-only
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = far.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ ben@far.example=ben/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_transport = virtual
default_transport = error:nothing goes out
smtpd_relay_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
smtputf8_enable = yes
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
error     unix  - - n - - error
retry     unix  - - n - - error
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
virtual   unix  - n n - - virtual
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """An instance that runs, on a port of loopback."""

    folder: Path
    port: int

    @property
    def messages(self) -> list[bytes]:
        """What ben@far.example has."""
        return [one.read_bytes() for one in (self.folder / "mail" / "ben" / "new").glob("*")]

    @property
    def log(self) -> str:
        """What it has logged so far."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def postfix() -> Iterator[Postfix]:
    """Run an instance that takes mail for ben@far.example."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-postfix-"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        folder.chmod(0o755)
        for name in ("queue", "data", "mail"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        shutil.chown(folder / "mail", "nobody")
        uid = (folder / "mail").stat().st_uid
        (folder / "main.cf").write_text(_MAIN.format(folder=folder, uid=uid))
        (folder / "master.cf").write_text(_MASTER.format(port=port))
        _control(folder, "start")
        try:
            yield Postfix(folder, port)
        finally:
            _control(folder, "stop")
    finally:
        shutil.rmtree(folder)


def _control(folder: Path, act: str) -> None:
    subprocess.run(["/usr/sbin/postfix", "-c", str(folder), act], check=True, capture_output=True)
