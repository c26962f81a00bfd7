"""The best of many: what is kept of all that passes by."""

import heapq
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Largest(Generic[_Item]):
    """The items of largest value among all that were offered, in memory for these alone.

    Args:
        count: how many are kept.
    """

    def __init__(self, count: int):
        self._count = count
        self._heap: list[tuple[float, int, _Item]] = []
        self._offered = 0

    def offer(self, value: float, item: _Item) -> None:
        """Keeps an item if its value is among the largest so far; of equal ones the first stays."""
        self._offered += 1
        entry = (value, -self._offered, item)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def items(self) -> list[_Item]:
        """Returns what was kept, the largest value first."""
        return [item for _, _, item in sorted(self._heap, key=lambda entry: entry[:2])[::-1]]
