"""The table of all gaze sets, as the paper's Table 3: from metadata and from what is built."""

import tempfile
from collections.abc import Iterable, Mapping

import tensorflow_datasets as tfds

from tfds_builders.gallery.published import PUBLISHED

BEGIN = "<!-- begin of what tfds_builders.gallery writes -->"
END = "<!-- end of what tfds_builders.gallery writes -->"

_SPLITS = ("train", "validation", "test")
_UNKNOWN = "–"
_COLUMNS = (
    "set",
    "task",
    "seconds",
    "viewers",
    "tracker",
    "blur, px",
    "published images",
    "published fixations",
    "measured images",
    "measured fixations",
)
_RIGHT = ("seconds", "viewers", "blur, px", *_COLUMNS[6:])


def facts(names: Iterable[str] = PUBLISHED) -> dict[str, tuple[str, ...]]:
    """Returns what is known of sets without building them.

    Args:
        names: TFDS names, those of `PUBLISHED`.

    Returns:
        For each set the cells of the first eight columns, as text: name; task, viewing time,
        viewers, tracker and sigma from the builder's metadata; the published sizes.
    """
    rows = {}
    with tempfile.TemporaryDirectory() as nowhere:  # where no prepared set has older metadata
        for name in names:
            metadata = tfds.builder(name, data_dir=nowhere).info.metadata
            keys = ("task", "viewing_time_s", "viewers", "tracker", "sigma_px")
            published = PUBLISHED[name]
            rows[name] = (
                f"`{name}`",
                *(_text(metadata.get(key)) for key in keys),
                _images(published.images),
                _text(published.fixations),
            )
    return rows


def measured(builder: tfds.core.DatasetBuilder) -> tuple[str, str]:
    """Counts what a prepared set holds.

    Args:
        builder: of a gaze set.

    Returns:
        The cells of the last two columns: images by split and fixations in all of them; unknown for
        a set that is not prepared.
    """
    if not builder.is_prepared():
        return _UNKNOWN, _UNKNOWN
    only = tfds.decode.PartialDecoding({"fixations": {"x"}})
    fixations = sum(
        len(example["fixations"]["x"])
        for split in builder.info.splits
        for example in tfds.as_numpy(builder.as_dataset(split=split, decoders=only))
    )
    images = {name: split.num_examples for name, split in builder.info.splits.items()}
    return _images(images), _text(fixations)


def markdown(counts: Mapping[str, tuple[str, str]]) -> str:
    """Writes the table.

    Args:
        counts: what `measured` returned, by TFDS name.

    Returns:
        A table in Markdown, a set a line, in the order of `PUBLISHED`.
    """
    rules = ("--:" if column in _RIGHT else "---" for column in _COLUMNS)
    rows = [_COLUMNS, rules]
    rows += [(*row, *counts.get(name, (_UNKNOWN,) * 2)) for name, row in facts().items()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def insert(document: str, table: str) -> str:
    """Replaces what stands between the two marks of a document.

    Args:
        document: its text.
        table: what is to stand there.

    Returns:
        The new text.

    Raises:
        ValueError: if the marks do not stand there once each, in order.
    """
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    if (document.count(BEGIN), rest.count(END)) != (1, 1):
        raise ValueError(
            f"the document must have the lines {BEGIN!r} and {END!r} once each, in this order; "
            f"got {document.count(BEGIN)} and {rest.count(END)}. Add them where the table belongs"
        )
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def _text(value: str | float | None) -> str:
    """A cell of the table."""
    if value is None:
        return _UNKNOWN
    return value if isinstance(value, str) else f"{value:,}".removesuffix(".0")


def _images(images: Mapping[str, int]) -> str:
    """Numbers of training, validation and test images; one number where there is no split."""
    if not images:
        return _UNKNOWN
    if "all" in images:
        return _text(images["all"])
    return " / ".join(_text(images.get(split)) for split in _SPLITS)
