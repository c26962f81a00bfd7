"""Exports with a line for each of the tracker's own fixations, and no samples."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tfds_builders.gaze_folder import placement, presentation
from tfds_builders.gaze_folder.readers import cells, clock, columns, own_fixations, reader, table


@dataclasses.dataclass(frozen=True)
class FixationFormat:
    """Names of the columns of one kind of report, in lower case and without units.

    Attributes:
        name: what the report is called.
        start: when a fixation begins.
        duration: how long it lasts; the other way to say it is `end`.
        end: when it ends.
        x: where it is.
        y: likewise.
        viewer: the person, the best name first; the folder stands in for it.
        image: the image, likewise; the file's name stands in for it.
        trial: what changes with each presentation, the best name first.
        eye: which eye it is of.
        kind: (column, value) of the lines that are fixations; other lines are left out.
        shares: whether x and y are shares of the screen or image.
        upwards: whether y counts from below.
        image_pixels: whether x and y count on the image itself.
        time_unit: milliseconds in a unit where no header says it.
        needed: further columns without which a file is of another kind.
        one_line_each: column whose numbers must all differ, "" if none must: the tracker's table of
            samples has the same columns.
    """

    name: str
    start: str
    duration: str
    x: str
    y: str
    end: str = ""
    viewer: tuple[str, ...] = columns.VIEWER_NAMES
    image: tuple[str, ...] = columns.IMAGE_NAMES
    trial: tuple[str, ...] = ()
    eye: str = ""
    kind: tuple[str, str] = ("", "")
    shares: bool = False
    upwards: bool = False
    image_pixels: bool = False
    time_unit: float = 1.0
    needed: tuple[str, ...] = ()
    one_line_each: str = ""

    def lacking(self, where: Mapping[str, int]) -> list[str]:
        """Lists which columns a file lacks to be of this kind.

        Args:
            where: places of the file's columns by name.

        Returns:
            Their names; empty if it is of this kind.
        """
        names = [self.start, self.duration, self.x, self.y, *self.needed]
        return [name for name in names if name not in where]


DATA_VIEWER = FixationFormat(
    name="EyeLink Data Viewer, fixation report",
    start="current_fix_start",
    duration="current_fix_duration",
    x="current_fix_x",
    y="current_fix_y",
    viewer=("recording_session_label", *columns.VIEWER_NAMES),
    trial=("trial_index", "trial_label"),
    eye="eye_used",
)
"""`CURRENT_FIX_START` counts from the beginning of the trial."""

GAZEPOINT = FixationFormat(
    name="Gazepoint, fixations",
    start="fpogs",
    duration="fpogd",
    x="fpogx",
    y="fpogy",
    image=(*columns.IMAGE_NAMES, "media_name"),
    shares=True,
    time_unit=1e3,
    one_line_each="fpogid",
)

BEGAZE = FixationFormat(
    name="SMI BeGaze, event details",
    start="event start trial time",
    duration="event duration",
    x="fixation position x",
    y="fixation position y",
    trial=("trial",),
    eye="eye l/r",
    kind=("category", "fixation"),
)

PUPIL_CLOUD = FixationFormat(
    name="Pupil Cloud and Neon, fixations on a reference image",
    start="start timestamp",
    duration="duration",
    x="fixation x",
    y="fixation y",
    viewer=(*columns.VIEWER_NAMES, "wearer", "recording id"),
    kind=("fixation detected in reference image", "true"),
    image_pixels=True,
    needed=("fixation detected in reference image",),
    time_unit=1e-6,
)

PUPIL_CLOUD_SURFACE = dataclasses.replace(
    PUPIL_CLOUD,
    name="Pupil Cloud and Neon, fixations on a surface",
    kind=("fixation detected on surface", "true"),
    needed=("fixation detected on surface",),
    shares=True,
)

PUPIL_CORE = FixationFormat(
    name="Pupil Core, fixations on a surface",
    start="start_timestamp",
    duration="duration",
    x="norm_pos_x",
    y="norm_pos_y",
    kind=("on_surf", "true"),
    shares=True,
    upwards=True,
    image_pixels=True,
    time_unit=1e3,
    needed=("on_surf", "fixation_id"),
)
"""Pupil Player: time stamps in seconds, durations in milliseconds, y upwards from the lower edge;
the same fixation has a line for each frame of the scene's video."""


class FixationReader(reader.Reader):
    """A report of the tracker's own fixations; its presentations have no samples."""

    def __init__(
        self,
        path: pathlib.Path,
        setting: reader.Setting,
        known: FixationFormat,
        head: table.Head,
    ) -> None:
        """Reads nothing yet.

        Args:
            path: the file.
            setting: what is known about it.
            known: its kind.
            head: its beginning.
        """
        super().__init__(path, setting)
        self.known = known
        self._head = head
        self._where = columns.where_of(head.header)

    def presentations(self) -> Iterator[presentation.Presentation]:
        """Reads the file.

        Yields:
            Presentations without samples, in the file's order.

        Raises:
            ValueError: if the file is damaged.
        """
        known, where = self.known, self._where
        numbers = [where[name] for name in (known.start, known.duration, known.x, known.y)]
        names = [self._first(known.viewer), self._first(known.image), self._first(known.trial)]
        names += [where.get(known.eye), where.get(known.kind[0])]
        rows: list[tuple] = []
        for block in table.read_blocks(self._head, numbers, [n for n in names if n is not None]):
            self.lines += block.lines
            self.skipped += block.skipped
            texts = [
                [""] * len(block.line) if n is None else block.texts[n].to_list() for n in names
            ]
            values = np.stack([block.numbers[place] for place in numbers], axis=1)
            rows += zip(block.line, values, *texts, strict=True)
        if known.kind[0] in where:
            rows = [row for row in rows if row[6].lower() == known.kind[1]]
        if not rows:
            what = "has a header only" if not self.lines else "has no fixation"
            self.notes.append(f"{self.path} {what}; nothing of it counts")
        for group in _grouped(rows):
            yield self._present(_one_eye(group))

    def _first(self, names: Sequence[str]) -> int | None:
        return next((self._where[name] for name in names if name in self._where), None)

    def _present(self, rows: list[tuple]) -> presentation.Presentation:
        """Lines of one viewer, image and trial."""
        known = self.known
        line, _, viewer, image = rows[0][:4]
        stem = cells.stem_of(image) if image else cells.stem_of_file(self.path)
        fixations = np.stack([row[1] for row in rows])
        fixations[:, 0] *= self._unit(known.start)
        fixations[:, 1] *= self._unit(known.duration, of_duration=True)
        fixations = fixations[np.isfinite(fixations).all(axis=1)]
        fixations = fixations[np.unique(fixations[:, 0], return_index=True)[1]]
        if known.shares:
            fixations[:, 2:] = self._from_shares(fixations[:, 2:], stem)
        onset = float(fixations[:, 0].min()) if len(fixations) else 0.0
        offset = float(fixations[:, :2].sum(axis=1).max()) if len(fixations) else 0.0
        size = self.setting.sizes.get(stem)
        on_image = known.image_pixels and size
        return presentation.Presentation(
            viewer=viewer or self.setting.viewer,
            stem=stem,
            time_ms=np.empty(0),
            eyes=np.empty((0, 1, 2)),
            place=placement.Place(0, 0, size[1], size[0]) if on_image else None,
            source=f"{self.path}, line {line}",
            onset_ms=onset,
            offset_ms=offset,
            sampling_rate_hz=None,
            own_fixations=own_fixations.cut(fixations, onset, offset, 0.0),
        )

    def _unit(self, name: str, of_duration: bool = False) -> float:
        """Milliseconds in a unit of a column."""
        unit = clock.without_unit(self._head.header[self._where[name]])[1]
        # Pupil Player: time stamps in seconds, durations in milliseconds.
        default = 1.0 if of_duration and self.known.duration == "duration" else self.known.time_unit
        return clock.MILLISECONDS.get(unit, default)

    def _from_shares(self, points: npt.NDArray[np.float64], stem: str) -> npt.NDArray[np.float64]:
        """Pixels of the screen or image, [k, 2]."""
        if self.known.upwards:
            points = np.stack([points[:, 0], 1 - points[:, 1]], axis=1)
        if self.known.image_pixels:
            height, width = self.setting.sizes.get(stem, (1, 1))
            return points * (width, height) - 0.5
        return points * self.screen() - 0.5


def _grouped(rows: Sequence[tuple]) -> Iterator[list[tuple]]:
    """Successive lines of one viewer, image and trial."""
    group: list[tuple] = []
    for row in rows:
        if group and row[2:5] != group[0][2:5]:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _one_eye(rows: list[tuple]) -> list[tuple]:
    """Of two eyes the one that fixated for longer: both would count everything twice."""
    eyes = sorted({row[5] for row in rows})
    if len(eyes) < 2:
        return rows
    time = {eye: sum(row[1][1] for row in rows if row[5] == eye) for eye in eyes}
    best = max(eyes, key=lambda eye: time[eye])
    return [row for row in rows if row[5] == best]
