import h5py
import numpy as np
import pytest
import scipy.io

from tfds_builders.common import matlab


@pytest.fixture
def file(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"gaze": np.arange(6).reshape(3, 2), "other": "text"})
    return tmp_path / "a.mat"


def test_a_variable_is_read(file):
    np.testing.assert_array_equal(matlab.read_variable(file, "gaze"), [[0, 1], [2, 3], [4, 5]])


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"b\.mat"):
        matlab.read_variable(tmp_path / "b.mat", "gaze")


@pytest.mark.parametrize("damage", ["variable", "cut", "text", "7.3"])
def test_another_file_is_refused(file, damage):
    name = "gaze"
    if damage == "variable":
        name = "missing"
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:150])
    elif damage == "text":
        file.write_text("no MATLAB file " * 20)
    else:
        with h5py.File(file, "w", userblock_size=512) as content:
            content["gaze"] = np.ones((2, 3))
        head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
        file.write_bytes(head + file.read_bytes()[len(head) :])
    with pytest.raises(ValueError, match=rf"a\.mat must be a MATLAB 5 file with the .*`{name}`"):
        matlab.read_variable(file, name)


@pytest.mark.parametrize("array", [np.uint8([[1, 2]]), [[1.5, 2], [3, np.nan]]])
def test_rows_are_kept_as_float64(array):
    found = matlab.rows(array, "gaze")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("array", [[], np.empty((0, 0), np.uint8), np.empty((1, 0))])
def test_nothing_is_no_rows(array):
    assert matlab.rows(array, "gaze").shape == (0, 2)


@pytest.mark.parametrize("array", [[1, 2], [[1, 2, 3]], [["a", "b"]], np.ones((2, 2, 2))])
def test_other_shapes_and_types_are_refused(array):
    with pytest.raises(ValueError, match="enc of person 3 must be numbers in rows of x and y"):
        matlab.rows(array, "enc of person 3")
