"""eDN's search and its linear SVM."""

import keras
import numpy as np
import pytest
import scipy.stats

from salclass_tf.detectors import build_detector, edn, edn_search

pytest.importorskip("sklearn.svm")

SIZE = 32
SEARCH = {"width": 0.25, "candidates": 3, "members": 2, "pixels": 15}


def _batches(seed, batches=4, size=SIZE):
    """Gray noise with a bright square, which is where people look."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(batches):
        images = rng.integers(90, 130, (4, size, size, 3)).astype(np.uint8)
        maps = np.zeros((4, size, size, 1), np.float32)
        for image, one in zip(images, maps, strict=True):
            y, x = rng.integers(0, size - 8, 2)
            image[y : y + 8, x : x + 8] = 250
            one[y : y + 8, x : x + 8] = 1
        made.append({"image": images, "saliency": maps})
    return made


@pytest.fixture(scope="module")
def found():
    return edn_search.fit(_batches(0), **SEARCH)


def test_search_finds_features_that_predict_gaze_on_other_images(found):
    batch = _batches(1, 1)[0]
    maps = found(batch["image"]).numpy()
    for one, truth in zip(maps, batch["saliency"], strict=True):
        assert scipy.stats.pearsonr(one.ravel(), truth.ravel())[0] > 0.4
        assert scipy.stats.mannwhitneyu(one[truth > 0], one[truth == 0]).pvalue < 1e-9
    # Least squares: the mean of the maps is that of the truth it was fitted to.
    fitted = [(found(b["image"]).numpy().mean(), b["saliency"].mean()) for b in _batches(0)]
    np.testing.assert_allclose(*np.mean(fitted, axis=0), rtol=1e-3)


def test_detector_saves_loads_and_is_found_again(found, tmp_path):
    images = _batches(1, 1)[0]["image"]
    found.save(tmp_path / "edn.keras")
    loaded = keras.models.load_model(tmp_path / "edn.keras")
    np.testing.assert_array_equal(loaded(images), found(images))
    again = edn_search.fit(_batches(0), **SEARCH)
    np.testing.assert_allclose(again(images), found(images), atol=1e-4)


def test_best_candidates_are_kept(found, monkeypatch):
    scores = {0: 0.6, 1: 0.9, 2: 0.7}
    built = []
    build = edn.build
    monkeypatch.setattr(edn_search, "_judge", lambda *_: scores[built[-1][0]])
    monkeypatch.setattr(
        edn, "build", lambda *a, seeds, **k: built.append(seeds) or build(*a, seeds=seeds, **k)
    )
    edn_search.fit(_batches(0), **SEARCH)
    assert built[-1] == (1, 2)


def test_svm_on_standardised_features_is_one_linear_function_of_them():
    rng = np.random.default_rng(3)
    features = rng.normal(5, [0.01, 1, 100], (80, 3))
    labels = (features[:, 1] + features[:, 2] / 100 > 5.05).astype(int)  # about half
    weights, bias = edn_search._train_svm(features, labels)
    assert np.mean((features @ weights + bias > 0) == labels) > 0.95
    deviations = features.std(0)
    scaled = weights * deviations  # what the machine sees
    assert abs(scaled[0]) < 0.3 * min(abs(scaled[1:]))


def test_cells_are_drawn_where_people_looked_and_where_they_did_not():
    maps = np.zeros((3, 8, 8, 1), np.float32)
    maps[0, 2:4, 4:6], maps[1, 6:, :2] = 1, 0.5
    first, second, unseen = edn_search._draw(maps, (4, 4), 10, seed=0)
    for rows, cell in ((first, (1, 2)), (second, (3, 0))):
        looked_at = np.stack(np.unravel_index(rows[rows[:, 1] == 1, 0], (4, 4)), -1)
        others = np.stack(np.unravel_index(rows[rows[:, 1] == 0, 0], (4, 4)), -1)
        assert np.abs(looked_at - cell).max() <= 1 and np.abs(others - cell).max() > 1
        assert cell in map(tuple, looked_at) and cell not in map(tuple, others)
        assert len(looked_at) == len(others) == 10
    assert len(unseen) == 0


def test_file_of_other_seeds_is_built_with_these(tmp_path):
    found = build_detector("edn", image_size=16, width=0.1, seeds=(7, 3))
    found.save(tmp_path / "found.keras")
    again = build_detector("edn", image_size=16, width=0.1, weights=tmp_path / "found.keras")
    image = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_array_equal(again(image), found(image))


def test_hierarchies_are_drawn_by_their_seeds():
    drawn = [edn.draw_hierarchy(seed) for seed in range(40)]
    assert drawn[3] == edn.draw_hierarchy(3)
    assert {len(one) for one in drawn} == {1, 2, 3}
    same, other = (
        build_detector("edn", image_size=16, width=0.1, seeds=seeds) for seeds in ((5,), (6,))
    )
    twin = build_detector("edn", image_size=16, width=0.1, seeds=(5,))
    for one, two in zip(same.weights[:-2], twin.weights[:-2], strict=True):
        if "saliency_score" not in one.path:
            np.testing.assert_array_equal(one, two)
    assert [w.shape for w in same.weights] != [w.shape for w in other.weights]


def test_what_cannot_be_searched_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="members must be 1 to candidates; got 4 of 3"):
        edn_search.fit(_batches(0), candidates=3, members=4)
    dark = [{**b, "saliency": 0 * b["saliency"]} for b in _batches(0, 1)]
    with pytest.raises(ValueError, match="at least 4 images; got 0"):
        edn_search.fit(dark, **SEARCH)
    monkeypatch.setitem(edn_search.importlib.sys.modules, "sklearn", None)
    monkeypatch.setitem(edn_search.importlib.sys.modules, "sklearn.svm", None)
    with pytest.raises(ValueError, match="pip install -r requirements-evaluation.txt"):
        edn_search.fit(_batches(0), **SEARCH)
