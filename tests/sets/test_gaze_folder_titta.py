"""Titta's HDF5: a file in the layout that pandas 2.0.3 and 3.1.1 leave of its `save_data`."""

import pickle

import h5py
import numpy as np
import pytest
from exports import SCREEN, places, read

from tfds_builders.gaze_folder.readers import formats

WIDTH, HEIGHT = SCREEN["screen_width_px"], SCREEN["screen_height_px"]


def keep_table(file, name, blocks):
    """A table as pandas keeps it: for each type the names of its columns, and a row a sample."""
    group = file.create_group(name)
    group.attrs["pandas_type"], group.attrs["nblocks"] = np.bytes_(b"frame"), len(blocks)
    for number, columns in enumerate(blocks):
        group[f"block{number}_items"] = np.array([key.encode() for key in columns])
        values = np.stack(list(columns.values()), axis=-1)
        if values.dtype == object:  # one value, a pickled array
            packed = np.frombuffer(pickle.dumps(values.squeeze(-1)), np.uint8)
            kept = group.create_dataset(
                f"block{number}_values", (1,), h5py.vlen_dtype(np.dtype("u1"))
            )
            kept[0] = packed
        else:
            group[f"block{number}_values"] = values


def titta(path, told, count=60):
    """60 samples at 100 Hz from 5000 ms on: the left eye at (100, 50), the right one 10 beside."""
    time = 5_000_000 + 10_000 * np.arange(count)
    left = np.full(count, (100 + 0.5) / WIDTH)
    left[3] = np.nan
    row = np.full(count, (50 + 0.5) / HEIGHT)
    valid = np.ones(count, np.uint8)
    valid[4] = 0
    place = "{}_gaze_point_on_display_area_{}"
    shares = {
        place.format("left", "x"): left,
        place.format("left", "y"): row,
        place.format("right", "x"): left + 10 / WIDTH,
        place.format("right", "y"): row,
    }
    seen = {"left_gaze_point_valid": np.ones(count, np.uint8), "right_gaze_point_valid": valid}
    times = {"device_time_stamp": time + 777, "system_time_stamp": time}
    with h5py.File(path, "w") as file:
        keep_table(file, "gaze", [times, shares, seen])
        texts = np.array([text for _, text in told], object)
        moments = np.array([1000 * ms for ms, _ in told], np.int64)
        keep_table(file, "msg", [{"system_time_stamp": moments}, {"msg": texts}])
    return path


def test_pictures_are_told_by_onset_and_offset(tmp_path):
    told = [(5000, "fix on"), (5100, "onset_my dog.png"), (5300, "offset_my dog.png")]
    told += [(5310, "onset_cat.png"), (5400, "onset_b")]
    _, (dog, cat, last) = read(titta(tmp_path / "anna.h5", told), **SCREEN)
    assert (dog.viewer, dog.stem, cat.stem, last.stem) == ("anna", "my dog", "cat", "b")
    limits = [(one.onset_ms, one.offset_ms, len(one.time_ms)) for one in (dog, cat, last)]
    np.testing.assert_allclose(limits, [(5100, 5300, 20), (5310, 5400, 9), (5400, 5600, 20)])
    np.testing.assert_allclose(dog.eyes[0], [[100, 50], [110, 50]])


def test_lost_eyes_are_lost(tmp_path):
    _, (shown,) = read(titta(tmp_path / "a.h5", [(5000, "onset_a.png")]), **SCREEN)
    assert places(shown)[3] == [None, None] and places(shown)[4][1] is None


def test_messages_of_its_own_name_are_followed(tmp_path):
    told = [(5100, "picture a.png"), (5100, "here"), (5200, "gone")]
    path = titta(tmp_path / "a.h5", told)
    file, shown = read(path, **SCREEN)
    assert not shown and "no message names a picture" in file.notes[0]
    names = {"image_variable": "picture", "onset_message": "here", "offset_message": "gone"}
    _, (shown,) = read(path, **SCREEN, **names)
    assert (shown.stem, shown.onset_ms, shown.offset_ms) == ("a", 5100, 5200)


@pytest.mark.parametrize(
    "told",
    [
        [(5100, "onset_a.png"), (5200, "offset_b.png")],
        [(5100, "offset_a.png")],
        [(5100, "onset_a.png"), (5200, "offset_a.png"), (5400, "offset_a.png")],
    ],
)
def test_an_offset_without_its_onset_is_refused(tmp_path, told):
    path = titta(tmp_path / "a.h5", told)
    with pytest.raises(ValueError, match=r"offset_[ab]\.png at 5[124]00 ms does not follow its"):
        read(path, **SCREEN)


def test_a_message_that_is_no_text_is_never_run(tmp_path):
    class Asks:
        def __reduce__(self):
            return print, ("run",)

    path = titta(tmp_path / "a.h5", [(5000, Asks())])
    with pytest.raises(ValueError, match=r"messages must be text \(builtins.print is no text\)"):
        read(path, **SCREEN)


def test_what_titta_writes_beside_a_recording_is_no_recording(tmp_path):
    titta(tmp_path / "a.h5", [])
    assert formats.is_companion(tmp_path / "a.json")
    assert not formats.is_companion(tmp_path / "b.json")
