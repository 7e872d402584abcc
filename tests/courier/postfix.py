"""A Postfix of the test's own, which hands all mail over by LMTP."""

from __future__ import annotations

import shutil
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
myhostname = front.example.org
myorigin = example.org
mydestination =
inet_interfaces = loopback-only
alias_maps =
virtual_mailbox_domains = example.org
virtual_transport = lmtp:{target}
default_transport = error:nothing goes out
minimal_backoff_time = 1s
queue_run_delay = 1s
smtputf8_enable = yes
"""

# No daemon listens on a port, and none is in a chroot.
_MASTER = """\
pickup    unix  n - n 1 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 1 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
lmtp      unix  - - n - - lmtp
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """An instance that runs."""

    folder: Path

    def send(self, message: str, sender: str, *recipients: str) -> None:
        """Hand a message in, as a program on the same host does."""
        command = ["sendmail", "-C", str(self.folder), "-i", "-f", sender, *recipients]
        subprocess.run(["/usr/sbin/" + command[0], *command[1:]], input=message.encode(), check=True)

    @property
    def log(self) -> str:
        """What it has logged so far."""
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def postfix(target: str) -> Iterator[Postfix]:
    """Run an instance; target: ``unix:PATH`` or ``inet:[ADDRESS]:PORT``, as lmtp(8) has it."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-postfix-"))
    try:
        folder.chmod(0o755)
        (folder / "queue").mkdir()
        (folder / "data").mkdir()
        shutil.chown(folder / "data", "postfix")
        (folder / "main.cf").write_text(_MAIN.format(folder=folder, target=target))
        (folder / "master.cf").write_text(_MASTER)
        _control(folder, "start")
        try:
            yield Postfix(folder)
        finally:
            _control(folder, "stop")
    finally:
        shutil.rmtree(folder)


def _control(folder: Path, act: str) -> None:
    subprocess.run(["/usr/sbin/postfix", "-c", str(folder), act], check=True, capture_output=True)
