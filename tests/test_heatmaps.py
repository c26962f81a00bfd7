import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from salclass_tf import heatmaps


def filtered_counts(xy, size, sigma):
    counts = np.zeros(size)
    for x, y in xy:
        counts[y, x] += 1
    # Truncation far beyond the map: every kernel reaches every pixel.
    blurred = scipy.ndimage.gaussian_filter(counts, sigma, mode="constant", truncate=60)
    return blurred / blurred.max()


@pytest.mark.parametrize("sigma", [0.8, 2.5, 6.0])
def test_equals_a_gaussian_filter_of_the_counts_at_whole_pixels(sigma):
    xy = [(0, 0), (18, 3), (18, 3), (7, 11), (9, 5)]  # a corner and a repeated fixation
    expected = filtered_counts(xy, (12, 19), sigma)
    np.testing.assert_allclose(
        heatmaps.from_fixations(xy, size=(12, 19), sigma=sigma), expected, atol=2e-6
    )


def test_keeps_the_fraction_of_a_pixel():
    heatmap = heatmaps.from_fixations([(4.25, 2.0)], size=(5, 9), sigma=1.5)
    distance = np.arange(9) - 4.25
    expected = np.exp(-0.5 * (distance**2 - 0.25**2) / 1.5**2)
    np.testing.assert_allclose(heatmap[2], expected, rtol=1e-5)


@pytest.mark.parametrize("xy", [[], np.zeros((0, 2))])
def test_is_all_zero_where_nobody_looked(xy):
    heatmap = heatmaps.from_fixations(xy, size=(4, 6), sigma=2.0)
    assert heatmap.dtype == np.float32
    np.testing.assert_array_equal(heatmap, np.zeros((4, 6)))


def test_renders_in_a_graph_with_sizes_known_only_there():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None]),
            tf.TensorSpec([None]),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int32),
        ]
    )
    def graph(x, y, height, width):
        return heatmaps.render(x, y, height, width, 2.0)

    for size in [(7, 9), (5, 12)]:
        expected = heatmaps.from_fixations([(3, 1), (4.5, 4)], size=size, sigma=2.0)
        np.testing.assert_allclose(graph([3.0, 4.5], [1.0, 4.0], *size), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], (4, 4), 1.0), r"\[n, 2\]; got shape \(2,\)"),
        ((np.zeros((2, 4)), (4, 4), 1.0), r"got shape \(2, 4\)"),
        (([(1, 1)], (0, 4), 1.0), r"size must be .* got \(0, 4\)"),
        (([(1, 1)], (4, 4), 0.0), "sigma must be above 0 pixels; got 0.0"),
        (([(1, 1)], (4, 4), float("nan")), "sigma must be above 0 pixels; got nan"),
    ],
)
def test_refuses_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        heatmaps.from_fixations(*arguments)
