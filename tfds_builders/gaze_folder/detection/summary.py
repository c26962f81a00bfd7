"""How fixations were found in all files of a study."""

from typing import Any

from tfds_builders.gaze_folder.detection.choice import Choice


class Summary:
    """Values of the parameters of each filter, or their range where files differ."""

    def __init__(self) -> None:
        """Knows of no file."""
        self._filters: dict[str, dict[str, Any]] = {}
        self._ranges: dict[str, dict[str, tuple[Any, Any]]] = {}

    def add(self, choice: Choice) -> None:
        """Adds the choice for a file.

        Args:
            choice: of `choose`.
        """
        first = {"filter": choice.filter, "files": 0, "reason": choice.reason}
        self._filters.setdefault(choice.filter, first)["files"] += 1
        ranges = self._ranges.setdefault(choice.filter, {})
        for name, value in choice.parameters.items():
            low, high = ranges.get(name, (value, value))
            ranges[name] = min(low, value), max(high, value)

    def facts(self) -> list[dict[str, Any]]:
        """Returns an entry for each filter, in the order of their names, for the set's metadata."""
        return [
            self._filters[name]
            | {
                key: low if low == high else [low, high]
                for key, (low, high) in self._ranges[name].items()
            }
            for name in sorted(self._filters)
        ]
