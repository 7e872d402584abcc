"""The one command: ``python -m bench CASE...``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import contacts, deliver, edge, mailauth, mime, push, sharing, smtp, suite, websocket

RESULTS = Path(__file__).parent / "results"

_HELP = """\
cases:
  open     open the app: Mailbox/get, Email/query, Email/get and Thread/get in one request
  set      Email/set of one keyword
  others   counts, scrolling, searches, changes, bodies, a download
  memory   what an idle worker takes
  import   import messages into an empty account
  contacts show, complete and import an address book of 50,000 cards
  deliver  a message from its bytes to durable and indexed, a hundred in flight
  push     how soon changes are told, to how many, and what it costs to wait for them
  sharing  what sharing costs owners and guests, and telling them of it
  smtp     what it costs to take a message, beside aiosmtpd
  websocket  what a request costs over a WebSocket, beside HTTP
  edge     what the HTTP edge adds to a static answer
  mime     the steps of reading one message
  mailauth  the steps of verifying and signing one message
  all      the first five

CPU of the server for each request, and that of a static answer of the same size through the same HTTP
server, measured in turns in the same run: the ratio of both is what counts. Accounts are made at the first
run and kept in the folder that --data names.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m bench", epilog=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [
        "open",
        "set",
        "others",
        "memory",
        "import",
        "contacts",
        "deliver",
        "push",
        "sharing",
        "smtp",
        "websocket",
        "edge",
        "mime",
        "mailauth",
        "all",
    ]
    parser.add_argument("cases", nargs="+", choices=names, metavar="CASE")
    parser.add_argument("--size", type=int, default=10_000, help="messages of each account (10,000)")
    parser.add_argument("--accounts", type=int, default=4, help="accounts (4)")
    parser.add_argument("--cards", type=int, default=50_000, help="cards of the address book (50,000)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each case (15)")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "posthouse-bench")
    parser.add_argument("--save", metavar="NAME", help="keep what was measured as results/NAME.json")
    given = parser.parse_args()
    cases = ["open", "set", "others", "memory", "import"] if "all" in given.cases else given.cases
    if "mime" in cases:
        mime.main()
    if "mailauth" in cases:
        mailauth.main()
    if "edge" in cases:
        edge.main()
    folder = given.data / f"{given.accounts}x{given.size}"
    kept: dict[str, object] = {}
    served = {"open": suite.opened, "set": suite.set_, "others": suite.others}
    asked = [case for name, case in served.items() if name in cases]
    if "memory" in cases:
        kept["idle"] = suite.idle(folder, given.accounts, given.size)
    if asked:
        kept["requests"] = suite.serve(folder, given.accounts, given.size, asked, given.rounds)
    if "import" in cases:
        kept["import"] = suite.imported(given.data / "import", min(given.size, 5000))
    if "contacts" in cases:
        kept["contacts"] = contacts.main(given.data / "contacts", given.cards, given.rounds)
    if "deliver" in cases:
        kept["deliver"] = deliver.main(given.data / "deliver", max(given.rounds // 3, 3))
    if "push" in cases:
        kept["push"] = push.main(given.data / "push")
    if "sharing" in cases:
        kept["sharing"] = sharing.main(given.data / "sharing", given.size, given.rounds)
    if "smtp" in cases:
        kept["smtp"] = smtp.main()
    if "websocket" in cases:
        kept["websocket"] = websocket.main(given.data / "websocket")
    if given.save and kept:
        save(given.save, kept)


def save(name: str, kept: dict[str, object]) -> None:
    """Write a result with what one has to know of it."""
    RESULTS.mkdir(exist_ok=True)
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    about = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load before": os.getloadavg()[0],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(about | kept, indent=1) + "\n")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    main()
