"""Minimum vertex cuts of small directed graphs: Ford and Fulkerson (1956), along shortest paths."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
LARGEST = 400  # nodes; a larger graph is cut greedily, in time linear in its size


def minimum_cut(
    price: Mapping[Node, int],
    uses: Mapping[Node, Sequence[Node]],
    sources: Iterable[Node],
    sinks: Sequence[Node],
) -> set[Node]:
    """The cheapest set of nodes that every path from a source to a sink goes through, the one nearest the sinks.

    Args:
        price: what taking each node costs.
        uses: for each node those that follow from it (and from others).
    """
    if len(price) > LARGEST:
        return set(sinks)
    flow = _Flow(price, uses, sources, sinks)
    while flow.augment():
        pass
    reach = flow.reaching()
    return {v for v in price if (v, "in") not in reach and (v, "out") in reach}


class _Flow:
    """The residual network: each node is an edge of its price between two ends, `in` and `out`."""

    def __init__(
        self,
        price: Mapping[Node, int],
        uses: Mapping[Node, Sequence[Node]],
        sources: Iterable[Node],
        sinks: Sequence[Node],
    ) -> None:
        endless = 1 + sum(price.values())
        self.left: dict[object, dict[object, int]] = defaultdict(dict)
        for v, cost in price.items():
            self.edge((v, "in"), (v, "out"), cost)
            for w in uses[v]:
                self.edge((v, "out"), (w, "in"), endless)
        for v in sources:
            self.edge("source", (v, "in"), endless)
        for v in sinks:
            self.edge((v, "out"), "sink", endless)

    def edge(self, a: object, b: object, room: int) -> None:
        self.left[a][b] = room
        self.left[b].setdefault(a, 0)

    def augment(self) -> bool:
        """Send what one shortest path takes; False if there is none."""
        before: dict[object, object] = {"source": None}
        todo: deque[object] = deque(["source"])
        while todo and "sink" not in before:
            a = todo.popleft()
            for b, room in self.left[a].items():
                if room and b not in before:
                    before[b] = a
                    todo.append(b)
        if "sink" not in before:
            return False
        path = []
        at: object = "sink"
        while before[at] is not None:
            path.append((before[at], at))
            at = before[at]
        room = min(self.left[a][b] for a, b in path)
        for a, b in path:
            self.left[a][b] -= room
            self.left[b][a] += room
        return True

    def reaching(self) -> set[object]:
        """The ends from which the sinks can still be reached."""
        found: set[object] = {"sink"}
        todo: list[object] = ["sink"]
        while todo:
            b = todo.pop()
            for a in self.left[b]:
                if a not in found and self.left[a].get(b, 0):
                    found.add(a)
                    todo.append(a)
        return found
