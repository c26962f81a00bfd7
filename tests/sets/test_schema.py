import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tfds_builders.common import schema

COLUMNS = {"x": [0, 6.9, 3], "y": [0, 4.9, 2], "duration_ms": [200, -1, 90.5], "viewer": [0, 1, -1]}


def rows(size=(5, 7), source="gaze.mat", **changed):
    return schema.fixation_rows(**(COLUMNS | changed), size=size, source=source)


def test_features_have_the_documented_names_and_types():
    features = schema.gaze_features()
    assert set(features) == {"image", "image/id", "fixations"}
    assert features["image"].shape == (None, None, 3)
    assert features.dtype["image/id"] == tf.string
    types = {"x": tf.float32, "y": tf.float32, "duration_ms": tf.float32, "viewer": tf.int32}
    assert features.dtype["fixations"] == types


def test_label_is_a_feature_only_where_it_is_given():
    label = tfds.features.ClassLabel(names=["cat", "dog"])
    assert schema.gaze_features(label)["label"].names == ["cat", "dog"]


def test_rows_keep_values_and_order_as_the_schema_types():
    kept, dropped = rows()
    assert dropped == 0
    assert {name: column.dtype for name, column in kept.items()} == {
        "x": np.float32,
        "y": np.float32,
        "duration_ms": np.float32,
        "viewer": np.int32,
    }
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(kept[name], np.asarray(column, kept[name].dtype))


@pytest.mark.parametrize("outside", [{"x": -0.01}, {"x": 7}, {"y": -0.01}, {"y": 5}])
def test_points_beside_the_image_are_dropped_with_all_their_columns(outside):
    (axis, value), *_ = outside.items()
    kept, dropped = rows(**{axis: [1, value, 2]})
    assert dropped == 1
    np.testing.assert_array_equal(kept[axis], [1, 2])
    np.testing.assert_array_equal(kept["viewer"], [0, -1])
    np.testing.assert_array_equal(kept["duration_ms"], np.float32([200, 90.5]))


@pytest.mark.parametrize("viewer", [[0, 2**31, 1], [0, 1, 20230101001], [0.5, 0, 1]])
def test_a_viewer_that_would_be_changed_by_the_cast_is_refused(viewer):
    with pytest.raises(ValueError, match=r"gaze\.mat: viewers must be whole numbers below 2\*\*31"):
        rows(viewer=np.array(viewer))


def test_an_image_may_have_no_fixation():
    kept, dropped = schema.fixation_rows([], [], [], [], size=(5, 7), source="gaze.mat")
    assert dropped == 0
    assert {column.shape for column in kept.values()} == {(0,)}


@pytest.mark.parametrize("name", ["x", "y", "duration_ms"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_names_file_column_and_row(name, value):
    with pytest.raises(ValueError, match=rf"gaze\.mat: `{name}` must be finite; fixation 2 has"):
        rows(**{name: [1, 2, value]})


@pytest.mark.parametrize("changed", [{"viewer": [0, 1]}, {"x": [[1, 2, 3]]}])
def test_columns_of_different_shapes_are_refused(changed):
    with pytest.raises(ValueError, match="gaze.mat: fixation columns must share one length"):
        rows(**changed)


def test_a_heatmap_is_a_feature_only_where_it_is_asked_for():
    features = schema.gaze_features(heatmap=True)
    assert set(features) == {"image", "image/id", "fixations", "heatmap"}
    assert features["heatmap"].shape == (None, None, 1)
    assert features["heatmap"].np_dtype == np.uint8


def test_hidden_gaze_is_an_empty_value_of_the_feature():
    kept = schema.no_fixations()
    expected, _ = schema.fixation_rows([], [], [], [], size=(5, 7), source="gaze.mat")
    assert {name: (column.shape, column.dtype) for name, column in kept.items()} == {
        name: (column.shape, column.dtype) for name, column in expected.items()
    }


@pytest.mark.parametrize(("x", "without"), [([1, 2, 99], 0), ([98, 99, 97], 1)])
def test_counts_of_one_image(x, without):
    kept, dropped = rows(x=x)
    counts = schema.tally(kept, dropped)
    assert counts == {
        "fixations": 2 * (1 - without),
        "dropped_off_image": 1 + 2 * without,
        "images_without_fixations": without,
    }
    assert dict.fromkeys(counts, 0) == schema.NOTHING_COUNTED


def test_matlab_positions_begin_half_a_pixel_before_1():
    found = schema.zero_based([0.49, 0.5, 0.9, 1, 1.25, 640])
    np.testing.assert_allclose(found, [-0.51, 0, 0, 0, 0.25, 639], atol=1e-12)
    assert schema.zero_based(np.uint8([0, 1])).tolist() == [-1, 0]
    assert np.isnan(schema.zero_based([np.nan])).all()
