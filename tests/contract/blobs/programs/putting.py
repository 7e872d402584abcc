"""Put random blobs for ever; each acknowledged hash is a line on standard output. To be killed."""

from __future__ import annotations

import random
import sys

from posthouse.blobs.files import FileBlobs

blobs = FileBlobs(sys.argv[1], pack_size=200_000)
dice = random.Random(sys.argv[2])
while True:
    batch = [dice.randbytes(dice.choice([10, 3000, 20_000])) for _ in range(dice.randrange(1, 5))]
    if not dice.randrange(8):
        batch.append(dice.randbytes(300_000))
    for hash in blobs.put_many(batch, 2**40):
        print(hash.hex(), flush=True)
