"""What a finished stage of training left in its folder: the one reader of it."""

import contextlib
import functools
import logging
import os
import pathlib
import re
import zipfile

import keras

from salclass_tf import classifiers, detectors, keras_internals, model
from salclass_tf.data.geometry import Geometry
from salclass_tf.data.set_record import SetRecord
from salclass_tf.runs.files import hash_files, read_json

_log = logging.getLogger(__name__)

# Importing them registers the layers and models that saved networks consist of.
_REGISTERING = (classifiers, detectors, model)

#: the files of a finished stage, in the order in which training writes them
SETTINGS, DATASET = "config.json", "dataset.json"
KEPT, METRICS = "model.keras", "metrics.json"
#: the folder of what a stage needs to go on: checkpoints, and a copy of what it was begun with
SPARE = "checkpoints"

_OPTIONAL = (DATASET,)  # older stages do not have it

# What Keras, h5py and zipfile raise for a file that is no network, or one of unknown classes.
_UNREADABLE = (
    AttributeError,
    EOFError,
    ImportError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
)


class FinishedStage:
    """The folder of a stage of training: its settings, its results, its network.

    Making one reads nothing. Each file is read when it is first asked for, and kept.

    Args:
        folder: of the stage, `workdir/<stage>`.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = pathlib.Path(folder)

    def __repr__(self) -> str:
        """Names the folder."""
        return f"FinishedStage({str(self.folder)!r})"

    @property
    def path(self) -> pathlib.Path:
        """The file of the network."""
        return self.folder / KEPT

    @property
    def files(self) -> list[pathlib.Path]:
        """The files that make it a finished stage, the last one last: what a copy needs.

        Raises:
            ValueError: if it is not finished, or one of them is gone.
        """
        self.require_finished()
        paths = [self.folder / name for name in (SETTINGS, DATASET, KEPT, METRICS)]
        for path in paths:
            if path.name not in _OPTIONAL:
                self._require(path)
        return [path for path in paths if path.is_file()]

    @property
    def is_begun(self) -> bool:
        """Whether training has begun here, whatever the configuration."""
        return self._has(SETTINGS)

    @property
    def is_finished(self) -> bool:
        """Whether training has come to its end here, whatever the configuration."""
        return (self.folder / METRICS).is_file()

    def require_finished(self) -> "FinishedStage":
        """Returns the stage itself.

        Raises:
            ValueError: if it is not finished, or there is no such folder; the message says how
                to train it.
        """
        if self.is_finished:
            return self
        why = "" if self.folder.is_dir() else " (there is no such folder)"
        raise ValueError(
            f"{self.folder} holds no finished stage{why}; train it: "
            f"python train.py --stage={self.folder.name} --workdir={self.folder.parent}"
        )

    @functools.cached_property
    def settings(self) -> dict:
        """Its `config.json`.

        Raises:
            ValueError: if the file is gone or damaged.
        """
        return self._read(SETTINGS)

    @functools.cached_property
    def metrics(self) -> dict:
        """Its `metrics.json`.

        Raises:
            ValueError: if the stage is not finished, or the file is damaged.
        """
        self.require_finished()
        return self._read(METRICS)

    @property
    def name(self) -> str:
        """One of `config.STAGES`."""
        if not self.is_finished:
            return self.folder.name
        return self.metrics.get("stage", self.folder.name)

    @property
    def geometry(self) -> Geometry:
        """Crop and resize sizes that the network was trained with.

        Raises:
            ValueError: if `config.json` does not hold them.
        """
        try:
            return Geometry(*self.settings["geometry"])
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{self.folder / SETTINGS} has no geometry of two sizes; {self._remedy}"
            ) from error

    @functools.cached_property
    def dataset(self) -> SetRecord:
        """The data set that it learned from; of older runs, as much as `metrics.json` tells.

        Raises:
            ValueError: if `dataset.json` is damaged.
        """
        if not self._has(DATASET):
            metrics = self.metrics if self.is_finished else {}
            return SetRecord(
                full_name=metrics.get("dataset"),
                test_split=metrics.get("split"),
                class_names=tuple(metrics.get("class_names", ())),
            )
        try:
            return SetRecord.from_json(self._read(DATASET))
        except TypeError as error:
            raise ValueError(
                f"{self.folder / DATASET} is damaged ({error}); {self._remedy}"
            ) from error

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes in the order of the network's answers; () where not recorded."""
        return self.dataset.class_names

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 that changes with any byte of the network's file."""
        self._require(self.path)
        return hash_files([self.path])

    @property
    def weights_identity(self) -> str | None:
        """What is the same for files of the same weights, whenever they were written.

        None where there is no such file, or a damaged one: `network` says so to whom it matters.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                weights = archive.getinfo("model.weights.h5")
        except (OSError, KeyError, zipfile.BadZipFile):
            return None
        return f"{weights.CRC:08x}-{weights.file_size}"

    def network(self) -> keras.Model:
        """Returns the network: a detector, a classifier or SalClassNet; not compiled.

        It is read once; whoever changes its weights calls `read_network`.

        Raises:
            ValueError: if there is none, it is damaged, or has classes that are not known.
        """
        return self._network

    @functools.cached_property
    def _network(self) -> keras.Model:
        return self.read_network()

    def read_network(self) -> keras.Model:
        """Reads the network from its file, a new one each time; see `network`."""
        return load_network(self.path, self._remedy)

    def read_weights(self, network: keras.Model) -> None:
        """Gives the weights of the stage to a network like its own, and does not build another.

        Args:
            network: changes: its weights, and the state of its optimizer if it is compiled.

        Raises:
            ValueError: if there are none, they are damaged, or of another network.
        """
        path = self.require_network()
        keras_internals.remember_saved_attributes()
        try:
            network.load_weights(path)
        except _UNREADABLE as error:
            reason, _ = _explain(error)
            raise ValueError(
                f"cannot read the weights in {path} ({reason}); {self._remedy}"
            ) from error

    def require_network(self) -> pathlib.Path:
        """Returns the path of the network, for code that reads the weights by itself.

        Raises:
            ValueError: if there is none, or it is cut short or damaged.
        """
        _check_whole(self.path, self._remedy)
        return self.path

    @property
    def num_classes(self) -> int:
        """Classes of the network's answers, 0 of a detector."""
        network = self.network()
        if isinstance(network, model.SalClassNet):
            return network.classifier.output_shape[-1]
        return 0 if len(network.output_shape) == 4 else network.output_shape[-1]

    @property
    def _remedy(self) -> str:
        return f"restore it, or remove {self.folder} to train that stage again"

    def _has(self, name: str) -> bool:
        """Whether one of the JSON files is there, or its copy."""
        return any((folder / name).is_file() for folder in (self.folder, self.folder / SPARE))

    def _read(self, name: str) -> dict:
        """Reads one of the JSON files, or its copy where it is damaged or gone."""
        path, spare = self.folder / name, self.folder / SPARE / name
        try:
            self._require(path)
            return read_json(path)
        except ValueError:
            with contextlib.suppress(OSError, ValueError):
                content = read_json(spare)
                _log.warning("%s is damaged or gone; its copy %s is taken", path, spare)
                return content
            raise

    def _require(self, path: pathlib.Path) -> None:
        """Checks that a file is there."""
        if not path.is_file():
            raise ValueError(f"{path} is not there; {self._remedy}")


def load_network(
    path: str | os.PathLike, remedy: str = "restore it, or name another network"
) -> keras.Model:
    """Loads a saved network, not compiled.

    Args:
        path: a `.keras` file.
        remedy: what to do about a file that does not read.

    Raises:
        ValueError: if there is none, it is cut short or damaged, or has classes that are not
            known here.
    """
    path = pathlib.Path(path)
    _check_whole(path, remedy)
    keras_internals.remember_saved_attributes()
    try:
        return keras.models.load_model(path, compile=False)
    except _UNREADABLE as error:
        reason, advice = _explain(error)
        raise ValueError(
            f"cannot read the network {path} ({reason}); {advice or remedy}"
        ) from error


def _check_whole(path: pathlib.Path, remedy: str) -> None:
    """Checks that the file of a network is there, with the bytes that were written."""
    damage = _damage(path) if path.is_file() else "it is not there"
    if damage:
        raise ValueError(f"cannot read the network {path} ({damage}); {remedy}")


def _damage(path: pathlib.Path) -> str | None:
    """What is wrong with the bytes of a file, None if nothing is.

    Keras says "File not found" of a file that is cut short, and does not notice a flipped bit
    among the weights, since it reads them without the checksum of the archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except _UNREADABLE as error:
        return f"it is cut short or damaged: {error or type(error).__name__}"
    return f"it is damaged: the checksum of its {broken} is wrong" if broken else None


def _explain(error: Exception) -> tuple[str, str | None]:
    """Why Keras cannot rebuild an undamaged network, and what helps, if it is known."""
    text = str(error).strip()
    unknown = re.search(r"Could not locate (class|function) '([^']+)'", text)
    if unknown:
        return f"its {unknown[1]} {unknown[2]!r} is not known here", (
            "import the module that registers it with keras.saving.register_keras_serializable "
            "first"
        )
    return text.splitlines()[0] if text else type(error).__name__, None
