"""Random histories against a dictionary."""

from __future__ import annotations

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from posthouse.blobs.files import FileBlobs

CONTENTS = [
    bytes([number]) * size for number, size in enumerate([0, 1, 100, 3000, 9000, 262143, 262144, 300000])
]
WHICH = st.integers(0, len(CONTENTS) - 1)  # by number: the reports of failures stay short
HASHES = {sha256(data).digest(): data for data in CONTENTS}
HOUR = 3600


class History(RuleBasedStateMachine):
    """Two processes on one folder, with packs so small that they are followed and compacted often."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.now = 1_000_000
        self.leases: dict[bytes, int] = {}
        self.references: set[bytes] = set()
        self.unneeded_since: dict[bytes, int] = {}
        self.open = [self.opened(), self.opened()]

    def opened(self) -> FileBlobs:
        return FileBlobs(self.folder, pack_size=8192)

    def leased(self, hash: bytes, hours: int) -> None:
        self.leases[hash] = max(self.leases.get(hash, 0), self.now + hours * HOUR)
        self.unneeded_since.pop(hash, None)

    @rule(who=st.integers(0, 1), which=st.lists(WHICH, max_size=4), hours=st.integers(0, 3))
    def put_many(self, who: int, which: list[int], hours: int) -> None:
        items = [CONTENTS[number] for number in which]
        hashes = self.open[who].put_many(items, self.now + hours * HOUR)
        assert [sha256(item).digest() for item in items] == hashes
        for hash in hashes:
            self.leased(hash, hours)

    @rule(who=st.integers(0, 1), which=WHICH, hours=st.integers(0, 3))
    def write(self, who: int, which: int, hours: int) -> None:
        data = CONTENTS[which]
        writer = self.open[who].writer()
        writer.write(data[:1000])
        writer.write(data[1000:])
        hash, _ = writer.finish(self.now + hours * HOUR)
        self.leased(hash, hours)

    @rule(which=WHICH)
    def refer(self, which: int) -> None:
        hash = sha256(CONTENTS[which]).digest()
        if hash in self.leases:
            self.references ^= {hash}

    @rule(hours=st.integers(0, 4))
    def wait(self, hours: int) -> None:
        self.now += hours * HOUR + 1

    @rule(who=st.integers(0, 1))
    def collect(self, who: int) -> None:
        collected = self.open[who].collect(lambda hashes: self.references & set(hashes), self.now)
        deleted = 0
        for hash, until in list(self.leases.items()):
            if hash in self.references or until > self.now:
                self.unneeded_since.pop(hash, None)
            elif self.unneeded_since.setdefault(hash, self.now) + HOUR < self.now:
                del self.leases[hash], self.unneeded_since[hash]
                deleted += 1
        assert deleted == collected.deleted

    @rule(who=st.integers(0, 1))
    def reopen(self, who: int) -> None:
        self.open[who].close()
        self.open[who] = self.opened()

    @rule()
    def lose_the_index(self) -> None:
        """Blobs that were deleted may come back, marks may go, but nothing may be missing."""
        for blobs in self.open:
            blobs.close()
        for path in self.folder.glob("index.db*"):
            path.unlink()
        self.open = [self.opened(), self.opened()]
        self.unneeded_since.clear()
        for hash in HASHES:
            if hash not in self.leases and self.open[0].size(hash) is not None:
                self.leases[hash] = 0

    @invariant()
    def both_see_exactly_what_is_there(self) -> None:
        for blobs in self.open:
            for hash, data in HASHES.items():
                if hash in self.leases:
                    assert data == blobs.read(hash)
                else:
                    assert blobs.size(hash) is None

    def teardown(self) -> None:
        for blobs in self.open:
            blobs.close()
        shutil.rmtree(self.folder)


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
