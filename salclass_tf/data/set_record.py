"""What identifies a data set, so that a run on it is not taken for a run on another."""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

# At each end of a split: all of a small set, the first and last examples of a large one.
_READ_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class SetRecord:
    """A data set as a stage of training saw it; None and () where something is not known.

    Attributes:
        full_name: TFDS name with configuration and version.
        train_split: the split or slice that was trained on.
        test_split: the split that was scored.
        fingerprint: see `fingerprint`.
        folder_sha256: digest of the user's own folder that a set was built from.
        class_names: in label order.
    """

    full_name: str | None = None
    train_split: str | None = None
    test_split: str | None = None
    fingerprint: str | None = None
    folder_sha256: str | None = None
    class_names: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SetRecord":
        """Makes a record of what `to_json` gave; other keys are ignored."""
        known = {field.name for field in dataclasses.fields(cls)} & content.keys()
        values = {name: content[name] for name in known}
        return cls(**values | {"class_names": tuple(content.get("class_names") or ())})

    def to_json(self) -> dict[str, Any]:
        """Returns the record in plain types."""
        return dataclasses.asdict(self) | {"class_names": list(self.class_names)}

    def differences(self, now: "SetRecord") -> list[str]:
        """Compares the data of a stage with those of now, as far as both are known.

        Splits of training are no part of it: they follow from settings, which are compared too.

        Args:
            now: what the same stage would see.

        Returns:
            One line for each difference.
        """
        return [*self._differing_facts(now), *class_differences(self.class_names, now.class_names)]

    def _differing_facts(self, now: "SetRecord") -> Iterator[str]:
        """Lines about name, version and content."""
        if None not in (self.full_name, now.full_name) and self.full_name != now.full_name:
            yield f"  data set: {self.full_name} there, {now.full_name} here"
            return  # all else differs with it
        for what, name in (("content", "fingerprint"), ("own folder", "folder_sha256")):
            there, here = getattr(self, name), getattr(now, name)
            if None not in (there, here) and there != here:
                yield (
                    f"  {what} of {now.full_name or self.full_name}: {there[:12]} there, "
                    f"{here[:12]} here (start of its SHA-256)"
                )


def class_differences(there: tuple[str, ...], here: tuple[str, ...]) -> list[str]:
    """Compares the names of classes in label order.

    Args:
        there: of a network; () where they are not known.
        here: of a data set; () where they are not known.

    Returns:
        A line that says how they differ; none where they do not, or nothing is known.
    """
    if not there or not here or there == here:
        return []
    if len(there) != len(here):
        return [f"  classes: {len(there)} there, {len(here)} here"]
    number = next(i for i, (one, other) in enumerate(zip(there, here, strict=True)) if one != other)
    how = "the same in another order" if sorted(there) == sorted(here) else "others"
    return [f"  classes: {how}; number {number} is {there[number]!r} there, {here[number]!r} here"]


def fingerprint(builder: tfds.core.DatasetBuilder, files: tfds.core.DatasetBuilder) -> str | None:
    """Returns what changes with the content of a prepared set, in milliseconds.

    It covers the number of examples of each split, the names and sizes of all files, and the
    first and last MiB of each split: what is cheap to read. Where the files lie does not count.

    Args:
        builder: of the set, prepared.
        files: the builder whose files hold the images, mostly the same.

    Returns:
        SHA-256; None if a file is gone, which training names when it comes to it.
    """
    digest = hashlib.sha256()
    for name, split in sorted(builder.info.splits.items()):
        digest.update(f"{name} {split.num_examples}\n".encode())
    try:
        for _, split in sorted(files.info.splits.items()):
            paths = sorted(map(str, split.filepaths))
            for path in paths:
                with tf.io.gfile.GFile(path, "rb") as file:
                    size = file.size()
                    digest.update(f"{path.rpartition('/')[2]} {size}\n".encode())
                    digest.update(file.read(_READ_BYTES) if path == paths[0] else b"")
                    file.seek(max(0, size - _READ_BYTES))
                    digest.update(file.read() if path == paths[-1] else b"")
    except tf.errors.OpError:
        return None
    return digest.hexdigest()
