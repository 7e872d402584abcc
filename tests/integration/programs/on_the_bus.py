"""A process on a bus: publishes the sign-outs that standard input names, and prints what it hears.

Ends in good order with its input. ``PERSON TOKEN`` is one line of it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from posthouse.bus import Moved, News, SignedOut, open_bus


def show(news: Sequence[News]) -> None:
    lines = []
    for item in news:
        if isinstance(item, SignedOut):
            lines.append(f"signed out {item.person} {item.token}\n")
        elif isinstance(item, Moved):
            lines.append(f"moved {item.account} {item.levels['Email']}\n")
        else:
            lines.append("missed\n")
    sys.stdout.write("".join(lines))
    sys.stdout.flush()


bus = open_bus(sys.argv[1])
bus.listen(show)
print("open", flush=True)
for line in sys.stdin:
    person, token = line.split()
    bus.publish([SignedOut(int(person), int(token))])
bus.close()
