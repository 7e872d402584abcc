"""Measuring: rounds that alternate between Posthouse and the floor, and what comes of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
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
    ours, theirs = Client(server.port, connections), Client(floor.port, connections)
    sizes = ours.ask(requests)
    octets = round(statistics.mean(sizes))
    as_ours = requests[0].partition(b"\r\n\r\n")[2]
    path = f"/{octets}"
    static = post(path, "token", as_ours) if as_ours else get(path, "token")
    theirs.ask([static] * 200)
    figures = []
    at = 0
    for _ in range(rounds):
        batch = [requests[(at + number) % len(requests)] for number in range(max(each, connections))]
        at += len(batch)
        figures.append((_cost(floor, theirs, [static] * len(batch)), _cost(server, ours, batch)))
    ours.close()
    theirs.close()
    return Figure(
        name,
        statistics.median(own for _, own in figures),
        statistics.median(base for base, _ in figures),
        statistics.median(own / base for base, own in figures),
        octets,
    )


def _cost(server: Running, client: Client, requests: Sequence[bytes]) -> float:
    """Give the microseconds of CPU that each of some requests costs a server."""
    before = server.cpu()
    client.ask(requests)
    return (server.cpu() - before) / len(requests) / 1000
