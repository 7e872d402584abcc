"""Measuring: rounds that alternate between Posthouse and the floor, and what comes of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.client import Client, get, post
from bench.processes import Running

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Figure:
    """CPU of one kind of request: microseconds, those of the floor, and their ratio, each a median of rounds."""

    name: str
    micros: float
    floor: float
    ratio: float
    octets: int

    def __str__(self) -> str:
        return (
            f"{self.name:46} {self.micros:9.1f} µs  floor {self.floor:7.1f} µs  {self.ratio:7.2f} x"
            f"  {self.octets:9,} octets"
        )


def compare(
    name: str,
    server: Running,
    floor: Running,
    requests: Sequence[bytes],
    *,
    rounds: int = 15,
    connections: int = CONNECTIONS,
    each: int = 96,
) -> Figure:
    """Measure requests, taken in turn, beside static answers of their mean size.

    rounds: how often both are measured, one right after the other. each: requests of a round, at least.
    """
    ((figure, _),) = abreast(
        {name: requests}, server, floor, rounds=rounds, connections=connections, each=each
    )
    return figure


def abreast(
    cases: Mapping[str, Sequence[bytes]],
    server: Running,
    floor: Running,
    *,
    rounds: int = 15,
    connections: int = CONNECTIONS,
    each: int = 96,
) -> list[tuple[Figure, float]]:
    """Measure several kinds of requests as `compare` does, each in each round.

    Gives with each figure how many times the CPU of the first kind it took, a median of rounds.
    """
    ours, theirs = Client(server.port, connections), Client(floor.port, connections)
    kinds = [_Kind(name, requests, ours) for name, requests in cases.items()]
    for kind in kinds:
        theirs.ask([kind.static] * 200)
    for round in range(rounds):
        for kind in kinds:
            batch = kind.batch(round, max(each, connections))
            base = _cost(floor, theirs, [kind.static] * len(batch))
            kind.costs.append((base, _cost(server, ours, batch)))
    ours.close()
    theirs.close()
    return [(kind.figure(), kind.times(kinds[0])) for kind in kinds]


class _Kind:
    """One kind of requests while it is measured. costs: of each round, that of the floor and ours."""

    def __init__(self, name: str, requests: Sequence[bytes], ours: Client) -> None:
        self._name = name
        self._requests = requests
        self._octets = round(statistics.mean(ours.ask(requests)))
        as_ours = requests[0].partition(b"\r\n\r\n")[2]
        path = f"/{self._octets}"
        self.static = post(path, "token", as_ours) if as_ours else get(path, "token")
        self.costs: list[tuple[float, float]] = []

    def batch(self, turn: int, size: int) -> list[bytes]:
        """Give the requests of a round, which go on where those of the last one ended."""
        return [self._requests[at % len(self._requests)] for at in range(turn * size, (turn + 1) * size)]

    def figure(self) -> Figure:
        """Give what came of it."""
        return Figure(
            self._name,
            statistics.median(own for _, own in self.costs),
            statistics.median(base for base, _ in self.costs),
            statistics.median(own / base for base, own in self.costs),
            self._octets,
        )

    def times(self, first: _Kind) -> float:
        """Give how many times the CPU of another kind it took in the same rounds."""
        pairs = zip(self.costs, first.costs, strict=True)
        return statistics.median(own / other for (_, own), (_, other) in pairs)


def _cost(server: Running, client: Client, requests: Sequence[bytes]) -> float:
    """Give the microseconds of CPU that each of some requests costs a server."""
    before = server.cpu()
    client.ask(requests)
    return (server.cpu() - before) / len(requests) / 1000
