"""Every reader of files that people bring, with a file that it reads."""

import dataclasses
import io
import json
import pathlib
from collections.abc import Callable, Sequence

import h5py
import numpy as np
from PIL import Image

from salclass_tf import hdf5_maps
from salclass_tf.evaluation.methods import map_files
from salclass_tf.recording import protocol
from salclass_tf.serving import trained
from tfds_builders.common import fixation_table, originals, own_layout
from tfds_builders.gaze_folder import placement, recording, responses, study
from tfds_builders.gaze_folder.readers import formats, reader
from tfds_builders.pysaliency_folder import pysaliency_folder_dataset_builder as pysaliency

_STEMS = ("cat", "dog", "a", "b", "café")
_FACTS = {"pixels_per_degree": 40, "screen_width_px": 1000, "screen_height_px": 800}
_ASC = [
    "MSG\t90 GAZE_COORDS 0 0 999 799",
    "START\t100\tLEFT\tSAMPLES\tEVENTS",
    "SAMPLES\tGAZE\tLEFT\tRATE\t50.00",
    "MSG\t101 !V IMGLOAD FILL a.png",
    *(f"{120 + 20 * n}\t{200 + n}.5\t300.0\t900.0\t..." for n in range(8)),
    "EFIX L\t120\t200\t80\t203.0\t300.0\t900",
    "END\t300\tSAMPLES\tEVENTS\tRES\t20\t20",
]
_TRIAL = {
    "stimulus": "img/dog.png",
    "subject": "anna",
    "webgazer_data": [{"x": 200.5, "y": 100.5, "t": 30 * n} for n in range(5)],
    "webgazer_targets": {"#image": {"x": 100, "y": 50, "width": 400, "height": 300}},
}
_IDF = "MEDIA_NAME,TIME(2022/09/19 13:34:49),FPOGX,FPOGY,FPOGS,FPOGD,FPOGID,FPOGV,BPOGX,BPOGY,BPOGV"


@dataclasses.dataclass(frozen=True)
class UserReader:
    """A reader of files.

    Attributes:
        kind: what is read.
        name: of the file.
        good: a content that is read.
        read: reads a file of that name.
    """

    kind: str
    name: str
    good: bytes
    read: Callable[[pathlib.Path], object]


def all_readers() -> list[UserReader]:
    """Returns the readers, those of tables with their names first."""
    samples = [f"{4 * n},{100 + n % 3},{100 + n % 2}" for n in range(30)]
    gazepoint = [f"a.png,{n / 50},0.4,0.5,0,{n / 50},1,1,0.{n:02d},0.5,1" for n in range(30)]
    fixations = [f"{stem},{n},0,{n}.5,2,180" for n, stem in enumerate(_STEMS)]
    asked = ["cat,0,cat,1,1,900.5", "dog,1,,,0,", "cat,-1,dog,0,1,20"]
    places = ["cat,0,0,400,300", "*,100,50,800,600"]
    return [
        _lines("fixations.csv", "stem,viewer,index,x,y,duration_ms", fixations, _read_fixations),
        _lines("splits.csv", "stem,split", [f"{stem},train" for stem in _STEMS], _read_splits),
        _lines("placement.csv", "stem,left,top,width,height", places, _of_folder(_read_places)),
        _lines("responses.csv", ",".join(responses._COLUMNS), asked, _of_folder(_read_responses)),
        _lines("samples.csv", "t,x,y", samples, _read_export, "samples of one's own"),
        _lines("all_gaze.csv", _IDF, gazepoint, _read_export, "samples of Gazepoint"),
        _lines("anna.asc", _ASC[0], _ASC[1:], _read_export, "samples of EyeLink"),
        _lines("names.txt", "red", ["green", "blue"], trained._read_names, "list of classes"),
        _lines("train.txt", "cat", ["dog", "café"], own_layout._read_list, "list of a split"),
        _json("anna.json", [{"trial_type": "x"}, _TRIAL], _read_export, "trials of jsPsych"),
        _json("recording.json", _FACTS, _of_folder(recording.read_recording)),
        _json("facts.json", {"sigma_px": 20, "task": "x"}, pysaliency.read_facts),
        _json("protocol.json", {"step_s": 0.2}, protocol.read_protocol),
        UserReader("image", "a.png", _image(), originals.image_size),
        UserReader("map as PNG", "map.png", _image("L"), map_files.read),
        UserReader("map of NumPy", "map.npy", _array(), map_files.read),
        UserReader("maps in HDF5", "maps.h5", _hdf5(), _read_maps),
    ]


def _lines(
    name: str, header: str, lines: Sequence[str], read: Callable, kind: str = ""
) -> UserReader:
    return UserReader(kind or name, name, "\n".join([header, *lines, ""]).encode(), read)


def _json(name: str, content: object, read: Callable, kind: str = "") -> UserReader:
    return UserReader(kind or name, name, json.dumps(content).encode(), read)


def _of_folder(read: Callable[[pathlib.Path], object]) -> Callable[[pathlib.Path], object]:
    """A reader of a file that is given the file's folder."""
    return lambda path: read(path.parent)


def _read_fixations(path: pathlib.Path) -> object:
    return fixation_table.scan_table(path, 0.001)


def _read_splits(path: pathlib.Path) -> object:
    return study._read_splits(path, dict.fromkeys(_STEMS))


def _read_places(folder: pathlib.Path) -> object:
    return placement.read_placement(folder)


def _read_responses(folder: pathlib.Path) -> object:
    found = responses.read_responses(folder)
    return [responses.rows(answers, None) for answers in found.values()]


def _read_export(path: pathlib.Path) -> object:
    setting = reader.Setting("anna", recording.Recording(**_FACTS), {"a": (300, 400)})
    return list(formats.open_file(path, setting).presentations())


def _read_maps(path: pathlib.Path) -> object:
    file = hdf5_maps.MapFile(path)
    return [file.read(key) for key in file.keys]


def _image(mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def _array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(0).random((6, 8), np.float32))
    return buffer.getvalue()


def _hdf5() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["a.jpg"] = np.random.default_rng(0).random((6, 8))
    return buffer.getvalue()
