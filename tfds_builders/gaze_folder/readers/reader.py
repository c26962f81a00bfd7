"""What every reader of an export offers, and what it is told."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping

from tfds_builders.gaze_folder import presentation, recording


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is known about a file without looking into it.

    Attributes:
        viewer: who looked, where the file itself does not say; "" if nothing does.
        facts: `recording.json`.
        sizes: height and width of the images by stem; empty where the coordinates need none.
    """

    viewer: str = ""
    facts: recording.Recording = recording.Recording()
    sizes: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)


class Reader:
    """One file, or some that belong together.

    Attributes:
        path: the file.
        setting: what is known about it.
        skipped: what was wrong with each line left out; complete when all has been read.
        notes: what the file does not tell as it should, such as a recording that was cut off;
            sentences for the report.
        ignored: names of columns that nothing is read from, where users name columns themselves.
        lines: lines of samples read so far.
    """

    def __init__(self, path: pathlib.Path, setting: Setting) -> None:
        """Opens nothing yet.

        Args:
            path: the file.
            setting: what is known about it.
        """
        self.path = path
        self.setting = setting
        self.skipped: list[str] = []
        self.notes: list[str] = []
        self.ignored: tuple[str, ...] = ()
        self.lines = 0

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file; no more than one presentation is held at once where the file allows.

        Yields:
            Presentations in the file's order.

        Raises:
            ImportError: if a package is missing that the format needs.
            ValueError: if the file is not as its format asks for.
        """
        raise NotImplementedError

    def screen(self) -> tuple[float, float]:
        """Width and height of the screen, for coordinates that are shares of it.

        Raises:
            ValueError: if `recording.json` does not say.
        """
        facts = self.setting.facts
        if facts.screen_width_px is None or facts.screen_height_px is None:
            raise ValueError(
                f"{self.path}: coordinates are shares of the screen; write `screen_width_px` and "
                f"`screen_height_px` into {recording.FILE}"
            )
        return facts.screen_width_px, facts.screen_height_px


Opener = Callable[[pathlib.Path, Setting], Reader]
