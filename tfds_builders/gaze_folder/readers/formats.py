"""The table of formats: what can be read, how it is recognised, and what stands in the README."""

import dataclasses
import pathlib
from collections.abc import Sequence

from tfds_builders.gaze_folder.readers import (
    begaze,
    bids,
    columns,
    eyelink_asc,
    eyelink_report,
    fixation_report,
    gazepoint,
    iohub,
    jspsych,
    plain,
    pupil,
    pygaze,
    reader,
    samples,
    table,
    titta,
    tobii,
)

TABLE_SUFFIXES = (".tsv", ".csv", ".txt", ".xlsx")
"""Of tables with a header; text may be packed as `.gz`."""

HDF5_SUFFIXES = (".hdf5", ".h5", ".hdf")

_GUIDES = {
    ".edf": "convert it by SR Research's `edf2asc`, with samples and events",
    ".idf": "export raw data from BeGaze or by the IDF converter",
    ".xls": "save it as .xlsx or as text with tabs",
    ".mat": "write a table with `t`, `x`, `y`, `viewer` and `stem`",
    ".pkl": "write a table with `t`, `x`, `y`, `viewer` and `stem`",
}
_ASC_MARK = "** CONVERTED FROM"


@dataclasses.dataclass(frozen=True)
class TableFormat:
    """A kind of table with a header.

    Attributes:
        known: its columns.
        opener: the reader of it.
    """

    known: columns.SampleFormat | fixation_report.FixationFormat
    opener: type[reader.Reader]

    def lacking(self, head: table.Head) -> list[str]:
        """Lists what a file lacks to be of this kind.

        Args:
            head: its beginning.

        Returns:
            Names of columns; empty if it is of this kind.
        """
        where = columns.where_of(head.header)
        if isinstance(self.known, columns.SampleFormat):
            return columns.lacking(self.known, where)
        missing = self.known.lacking(where)
        number = where.get(self.known.one_line_each)
        if not missing and number is not None:
            values = [row[number] for row in head.sample if len(row) > number]
            if len(values) < 2 or len(set(values)) < len(values):
                missing = [f"one line for each `{self.known.one_line_each}`"]
        return missing


def _samples(*kinds: columns.SampleFormat) -> list[TableFormat]:
    return [TableFormat(kind, samples.SampleReader) for kind in kinds]


def _fixations(*kinds: fixation_report.FixationFormat) -> list[TableFormat]:
    return [TableFormat(kind, fixation_report.FixationReader) for kind in kinds]


TABLES: tuple[TableFormat, ...] = (
    *_samples(tobii.PRO_LAB, tobii.STUDIO, tobii.STUDIO_OLD, tobii.SDK, tobii.SDK_OLD),
    *_samples(eyelink_report.SAMPLE_REPORT),
    *_fixations(fixation_report.DATA_VIEWER),
    *_fixations(fixation_report.GAZEPOINT),
    *_samples(gazepoint.ALL_GAZE),
    TableFormat(begaze.IDF, begaze.BegazeReader),
    TableFormat(begaze.BEGAZE_3, begaze.BegazeReader),
    *_fixations(
        fixation_report.BEGAZE,
        fixation_report.PUPIL_CLOUD,
        fixation_report.PUPIL_CLOUD_SURFACE,
        fixation_report.PUPIL_CORE,
    ),
    *_samples(pupil.REFERENCE_IMAGE, pupil.SURFACE, pupil.CORE_SURFACE),
    TableFormat(pygaze.PYGAZE, pygaze.PyGazeReader),
    *_samples(eyelink_report.EYELINKER, plain.PLAIN),
)
"""Tables with a header, in the order in which they are tried."""


@dataclasses.dataclass(frozen=True)
class OtherFormat:
    """A kind of file that is no table with a header, for the README.

    Attributes:
        name: what the export is called.
        files: how its files are named.
        content: what of it is read.
        viewer: where the person's name is from.
        image: where the image's name is from.
        own: where the tracker's own fixations are from, "" if there are none.
    """

    name: str
    files: str
    content: str
    viewer: str
    image: str
    own: str = ""


OTHERS: tuple[OtherFormat, ...] = (
    OtherFormat(
        "EyeLink ASC, an EDF file by `edf2asc`",
        "`.asc`",
        "samples of one or both eyes between `START` and `END`",
        "the file's name",
        "messages, [see below](#which-picture-when)",
        "`EFIX`, of the eye that fixated for longer",
    ),
    OtherFormat(
        "BIDS eye tracking",
        "`_physio.tsv.gz`, `_eyetrack.tsv` with their `.json`",
        "`timestamp`, `x_coordinate`, `y_coordinate` in pixels; `eye1` and `eye2` together",
        "`sub-`",
        "`stim_file` (or `stem`, `image`) of `_events.tsv`",
    ),
    OtherFormat(
        "PsychoPy, ioHub",
        "`.hdf5`",
        "`BinocularEyeSampleEvent` or `MonocularEyeSampleEvent`, and their `status`",
        "`code` of the session",
        "messages, or `image`, `trial_start`, `trial_end` of the condition variables",
    ),
    OtherFormat(
        "Titta, for Tobii",
        "`.h5`",
        "`left_` and `right_gaze_point_on_display_area_x` and `_y` of the table `gaze`, shares of "
        "the screen, and their `_gaze_point_valid`",
        "the file's name",
        "messages `onset_<image>` and `offset_<image>`, or those of `recording.json`",
    ),
    OtherFormat(
        "jsPsych with WebGazer",
        "`.json`",
        "`webgazer_data`; the image's place from `webgazer_targets`",
        "`subject`, or the file's name",
        "`image` or `stimulus`",
    ),
)
"""The other kinds."""


def open_file(path: pathlib.Path, setting: reader.Setting) -> reader.Reader:
    """Recognises an export.

    Args:
        path: the file.
        setting: what is known about it.

    Returns:
        Its reader, which has read no more than the beginning.

    Raises:
        ImportError: if a package is missing that the format needs.
        ValueError: if it is none that can be read; says which was the closest.
    """
    suffix = _suffix(path)
    if suffix == ".asc":
        return eyelink_asc.AscReader(path, setting)
    if suffix == ".json":
        return jspsych.JsPsychReader(path, setting)
    if suffix in HDF5_SUFFIXES:
        return _open_hdf5(path, setting)
    if suffix not in TABLE_SUFFIXES:
        guide = _GUIDES.get(suffix, "move it out of the folder, or export it again")
        raise ValueError(
            f"{path} must be one of {', '.join((*TABLE_SUFFIXES, '.asc', '.json'))}, "
            f"{', '.join(HDF5_SUFFIXES)} (text also as .gz); {guide}"
        )
    if bids.is_recording(path):
        return bids.BidsReader(path, setting)
    head = table.read_head(path)
    if any(line.startswith(_ASC_MARK) for line in (*head.header, *head.comments)):
        return eyelink_asc.AscReader(path, setting)
    return _open_table(path, setting, head)


def is_companion(path: pathlib.Path) -> bool:
    """Whether a file is read together with another one, or describes it.

    Args:
        path: the file.

    Returns:
        True if it is no recording of its own.
    """
    return bids.is_companion(path) or titta.is_companion(path)


def markdown() -> str:
    """Returns the table of formats of the README, with its notes."""
    lines = [
        "| export | what is read | viewer | image | the tracker's own fixations |",
        "|---|---|---|---|---|",
    ]
    rows = [_described(one) for one in TABLES]
    for one in OTHERS:
        rows.append((one.name, f"{one.files}: {one.content}", one.viewer, one.image, one.own))
    lines += [f"| {' | '.join(row)} |" for row in rows]
    viewers, stems = _names(columns.VIEWER_NAMES), _names(columns.IMAGE_NAMES)
    return "\n".join(
        [
            *lines,
            "",
            f"[1] {viewers}; otherwise the folder of the file. "
            f"[2] {stems}; otherwise the name of the file.",
        ]
    )


def _suffix(path: pathlib.Path) -> str:
    """The last suffix, that of the packed file where one is packed."""
    name = path.name.lower()
    return pathlib.PurePath(name.removesuffix(".gz")).suffix


def _open_hdf5(path: pathlib.Path, setting: reader.Setting) -> reader.Reader:
    try:
        kinds = ((iohub.is_iohub, iohub.IoHubReader), (titta.is_titta, titta.TittaReader))
        known = next((opener for is_kind, opener in kinds if is_kind(path)), None)
    except OSError as error:
        raise ValueError(f"{path} must be an HDF5 file ({error}); copy it again") from error
    if known is None:
        raise ValueError(
            f"{path} must be an HDF5 file of PsychoPy's ioHub, with the group `data_collection`, "
            "or of Titta, with the table `gaze`; write a table with `t`, `x`, `y`, `viewer` and "
            "`stem`"
        )
    return known(path, setting)


def _open_table(path: pathlib.Path, setting: reader.Setting, head: table.Head) -> reader.Reader:
    tried = [(one.lacking(head), one) for one in TABLES]
    for lacking, one in tried:
        if not lacking:
            return one.opener(path, setting, one.known, head)
    lacking, closest = min(tried, key=lambda pair: (_share(*pair), len(pair[0])))
    raise ValueError(
        f"{path} must have the columns of an eye tracker's export: tried "
        f"{'; '.join(one.known.name for one in TABLES)}. The closest is {closest.known.name}, "
        f"which needs {', '.join(lacking)} as well; got {_listed(head.header)}. Add "
        "the missing ones, separated by tabs, commas or semicolons"
    )


def _share(lacking: Sequence[str], one: TableFormat) -> float:
    """How much of what a kind needs is missing."""
    if isinstance(one.known, columns.SampleFormat):
        return len(lacking) / (1 + 2 * len(one.known.eyes[0]) + len(one.known.needed))
    return len(lacking) / (4 + len(one.known.needed))


def _listed(header: Sequence[str], first: int = 12) -> str:
    more = f" and {len(header) - first} more" if len(header) > first else ""
    return (", ".join(header[:first]) or "nothing") + more


def _described(one: TableFormat) -> tuple[str, ...]:
    """A row of the README's table."""
    known = one.known
    viewer = _own_names(known.viewer, columns.VIEWER_NAMES, "[1]")
    image = _own_names(known.image, columns.IMAGE_NAMES, "[2]")
    note = _coordinates(known.shares, known.upwards, known.image_pixels)
    if isinstance(known, fixation_report.FixationFormat):
        read = ", ".join(f"`{n}`" for n in (known.start, known.duration, known.x, known.y))
        return known.name, f"{read}{note}", viewer, image, "all of it"
    eyes = "; or ".join(", ".join(f"`{x}`, `{y}`" for x, y in eyes) for eyes in known.eyes)
    own = ""
    if known.own:
        own = ", ".join(f"`{n}`" for n in (known.own.index, known.own.x, known.own.y))
    if one.opener is begaze.BegazeReader:
        own = "samples labelled `Fixation`"
    if one.opener is pygaze.PyGazeReader:
        image = "messages"
    return known.name, f"{_names(known.time)}; {eyes}{note}", viewer, image, own


def _coordinates(shares: bool, upwards: bool, of_image: bool) -> str:
    """What the coordinates are, if not pixels of the screen."""
    of = "image" if of_image else "screen"
    if shares:
        return f"; shares of the {of}" + (", y upwards" if upwards else "")
    return "; pixels of the image" if of_image else ""


def _own_names(names: Sequence[str], usual: Sequence[str], note: str) -> str:
    """Names of columns, with a note in place of the usual ones."""
    own = [name for name in names if name not in usual]
    if not set(usual) <= set(names):
        return _names(names)
    return f"{_names(own)}, {note}" if own else note


def _names(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def main() -> None:
    """Prints the table for the README."""
    print(markdown())


if __name__ == "__main__":
    main()
