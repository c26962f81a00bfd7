"""Files for pysaliency and for benchmarks, from whole data sets and any method."""

import io
import os
import pathlib
import subprocess
import sys
import zipfile

import commands
import h5py
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image
from watched_noise import WatchedNoise

from benchmarks import pysaliency_numbers
from salclass_tf import build_classifier, hdf5_maps
from salclass_tf.evaluation.hand_over import maps, pysaliency, submissions
from salclass_tf.evaluation.tables import paper
from tfds_builders.common import schema
from tfds_builders.pysaliency_folder import fixations, stimuli

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEASURES = ("shuffled_auc", "auc", "nss", "cc", "sim", "kl", "information_gain")


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """The folder of prepared sets, and the pictures of two sizes that lie in it."""
    data_dir = str(tmp_path_factory.mktemp("data"))
    builder = WatchedNoise(data_dir=data_dir)
    builder.download_and_prepare()
    found = {e["image/id"].decode(): e for e in tfds.as_numpy(builder.as_dataset(split="test"))}
    return data_dir, found


@pytest.fixture(scope="module")
def random_maps(examples, tmp_path_factory):
    """A folder of maps, some of whose values are negative."""
    folder = tmp_path_factory.mktemp("maps")
    (folder / "seen").mkdir()
    rng = np.random.default_rng(0)
    for name, example in examples[1].items():
        values = rng.normal(0.5, 1, example["image"].shape[:2]).astype(np.float32)
        np.save(folder / f"{name}.npy", values)
    return folder


@pytest.fixture(scope="module")
def handed_over(examples, random_maps, tmp_path_factory):
    named = maps.Named((f"my model={random_maps}",), ("watched_noise",), data_dir=examples[0])
    (folder,) = pysaliency.hand_over(named, tmp_path_factory.mktemp("handed_over"))
    assert folder.name == "watched_noise"
    return folder


def test_images_and_gaze_are_those_of_the_set(examples, handed_over):
    listed = stimuli.read(handed_over / "stimuli.hdf5")
    gaze = fixations.read(handed_over / "fixations.hdf5", len(listed))
    assert {one.name for one in listed} == {pathlib.Path(name).name for name in examples[1]}
    with h5py.File(handed_over / "stimuli.hdf5") as file:
        shapes = [shape.tolist() for shape in file["shapes"][...]]
    for one, shape in zip(listed, shapes, strict=True):
        example = examples[1][f"seen/{one.name}"]
        assert shape == list(example["image"].shape)
        np.testing.assert_array_equal(np.asarray(Image.open(one.path)), example["image"])
        own = gaze.on(one.number)
        order = np.argsort(example["fixations"]["viewer"], kind="stable")
        by_viewer = np.argsort(own.viewer, kind="stable")
        np.testing.assert_allclose(own.x[by_viewer], example["fixations"]["x"][order], atol=1e-5)
        np.testing.assert_array_equal(own.viewer[by_viewer], example["fixations"]["viewer"][order])


def test_models_truth_and_prior_are_in_the_form_that_pysaliency_reads(
    examples, handed_over, random_maps
):
    model = hdf5_maps.MapFile(handed_over / "log_densities/my_model.hdf5")
    assert model.keys == tuple(sorted(f"{name}.png" for name in examples[1]))
    for name, example in examples[1].items():
        values = np.load(random_maps / f"{name}.npy").astype(np.float64)
        density = (values - values.min()) / (values - values.min()).sum()
        log_density = model.read(f"{name}.png")
        np.testing.assert_allclose(np.exp(log_density), density, atol=1e-15)
        prior = hdf5_maps.MapFile(handed_over / "prior.hdf5").read(f"{name}.png")
        assert np.exp(prior).sum() == pytest.approx(1, abs=1e-9)
        truth = hdf5_maps.MapFile(handed_over / "true_maps.hdf5").read(f"{name}.png")
        assert truth.shape == example["image"].shape[:2] and truth.max() == pytest.approx(1)


def test_maps_are_handed_over_as_they_are_in_float64(examples, handed_over, random_maps):
    """pysaliency computes in the type that it reads."""
    with h5py.File(handed_over / "maps/my_model.hdf5") as file:
        for name in examples[1]:
            assert file[f"{name}.png"].dtype == np.float64
            np.testing.assert_array_equal(file[f"{name}.png"], np.load(random_maps / f"{name}.npy"))


def test_one_kind_alone_may_be_asked_for(examples, random_maps, tmp_path):
    named = maps.Named((f"m={random_maps}",), ("watched_noise",), data_dir=examples[0])
    with pytest.raises(ValueError, match="kinds are map, log_density; got density"):
        pysaliency.hand_over(named, tmp_path, ["density"])
    (folder,) = pysaliency.hand_over(named, tmp_path, ["map"])
    assert (folder / "maps/m.hdf5").is_file() and not (folder / "log_densities").exists()


class UnwatchedNoise(WatchedNoise):
    """The same pictures, on which nobody looked."""

    def _generate_examples(self):
        for key, example in super()._generate_examples():
            yield key, example | {"fixations": schema.no_fixations()}


def test_nothing_of_another_split_stays(tmp_path):
    """Gaze that belongs to other images would be taken for theirs."""
    UnwatchedNoise(data_dir=str(tmp_path / "data")).download_and_prepare()
    folder, gone = tmp_path / "unwatched_noise", ("fixations", "true_maps", "prior")
    folder.mkdir()
    for name in gone:
        (folder / f"{name}.hdf5").touch()
    named = maps.Named((), ("unwatched_noise",), data_dir=str(tmp_path / "data"))
    assert pysaliency.hand_over(named, tmp_path) == [folder]
    assert (folder / "stimuli.hdf5").is_file()
    assert not any((folder / f"{name}.hdf5").exists() for name in gone)


def test_models_without_maps_are_not_left_out_in_silence(examples, tmp_path):
    network = build_classifier("vgg16", 2, image_size=32, width=1 / 16)
    network.save(tmp_path / "classifier.keras")
    named = maps.Named(
        (str(tmp_path / "classifier.keras"),), ("watched_noise",), data_dir=examples[0]
    )
    with pytest.raises(ValueError, match="no model gives maps"):
        pysaliency.hand_over(named, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def scores_of(model, dataset, output, **where):
    evaluation = paper.evaluate(
        paper.Settings((model,), (dataset,), (4,), MEASURES, output=output, view="whole", **where)
    )
    assert not evaluation.failures
    (scores,) = (s for method, s in evaluation.maps if method.name == model.split("=")[0])
    return {measure: scores.per_image(measure) for measure in MEASURES}


def test_what_was_handed_over_scores_the_same_when_read_back(
    examples, handed_over, random_maps, tmp_path
):
    """Set, gaze, blur and maps, through files and `pysaliency_folder`; images of two sizes."""
    first = scores_of(f"m={random_maps}", "watched_noise", tmp_path / "a", data_dir=examples[0])
    back = scores_of(
        f"m={handed_over / 'maps/my_model.hdf5'}",
        "pysaliency_folder",
        tmp_path / "b",
        data_dir=str(tmp_path / "sets"),
        manual_dir=str(handed_over),
    )
    for measure in MEASURES:
        for name, value in first[measure].items():
            short = pathlib.Path(name).name
            assert back[measure][short] == pytest.approx(value, abs=1e-6), (measure, name)


def pysaliency_python():
    """Python of an environment with pysaliency."""
    return os.environ.get("SALCLASS_PYSALIENCY_PYTHON")


needs_pysaliency = pytest.mark.skipif(
    not pysaliency_python(), reason="SALCLASS_PYSALIENCY_PYTHON names no Python with pysaliency"
)


@needs_pysaliency
def test_pysaliency_finds_the_same_scores(examples, handed_over, random_maps, tmp_path):
    """On images of two sizes, where the fixations on others are moved."""
    theirs = pysaliency_numbers.theirs(
        pysaliency_python(), handed_over, tmp_path / "rewritten", ["my_model"]
    )["my_model"]
    ours = scores_of(f"m={random_maps}", "watched_noise", tmp_path / "a", data_dir=examples[0])
    for measure in MEASURES:
        for name, value in ours[measure].items():
            short = pathlib.Path(name).name
            assert theirs[measure][short] == pytest.approx(value, abs=1e-9), (measure, name)


@pytest.mark.slow
@pytest.mark.real_data
@needs_pysaliency
def test_scores_on_osie_agree_to_a_billionth(shared_data, tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.pysaliency_numbers", "--split=test[:4]"),
            *(f"--python={pysaliency_python()}", f"--manual_dir={shared_data / 'osie'}"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.count("\n") == 2 + 2 * len(MEASURES)


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.setitem(submissions.BENCHMARKS, "watched_noise", 4)


def test_a_submission_of_densities_has_the_names_of_the_images(
    examples, random_maps, tmp_path, benchmark
):
    named = maps.Named((f"m={random_maps}",), data_dir=examples[0])
    (path,) = submissions.submit(named, "watched_noise", tmp_path)
    assert path.name == "watched_noise-m.hdf5"
    with h5py.File(path) as file:
        for name in examples[1]:
            values = file[f"{name}.png"]
            assert values.dtype == np.float32
            # What the benchmark asks of a log density.
            assert abs(np.log(np.exp(values[...].astype(np.float64)).sum())) < 1e-3


def test_a_submission_of_pictures_keeps_names_folders_and_sizes(
    examples, random_maps, tmp_path, benchmark
):
    named = maps.Named((f"my model={random_maps}",), data_dir=examples[0])
    (path,) = submissions.submit(named, "watched_noise", tmp_path, "jpeg")
    assert path.name == "watched_noise-my_model.zip"
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == sorted(f"my_model/{n}.jpg" for n in examples[1])
        for name, example in examples[1].items():
            picture = Image.open(io.BytesIO(archive.read(f"my_model/{name}.jpg")))
            assert picture.format == "JPEG" and picture.mode == "L"
            values = np.load(random_maps / f"{name}.npy")
            expected = (values - values.min()) / np.ptp(values)
            assert picture.size == example["image"].shape[1::-1]
            assert np.abs(np.asarray(picture) / 255 - expected).max() < 0.02


def test_a_positive_map_is_not_stretched_downwards():
    shown = np.asarray(Image.open(io.BytesIO(submissions.as_jpeg(np.array([[0.5, 1.0]] * 8)))))
    assert np.abs(shown - np.array([128, 255])).max() <= 2


def test_an_incomplete_benchmark_is_refused(examples, random_maps, tmp_path, monkeypatch):
    monkeypatch.setitem(submissions.BENCHMARKS, "watched_noise", 300)
    named = maps.Named((f"m={random_maps}",), data_dir=examples[0])
    with pytest.raises(ValueError, match="has 300 maps; the prepared set has 4 images"):
        submissions.submit(named, "watched_noise", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_map_that_is_missing_leaves_no_file(examples, random_maps, tmp_path, benchmark):
    folder = tmp_path / "maps"
    (folder / "seen").mkdir(parents=True)
    for path in sorted(random_maps.rglob("*.npy"))[1:]:
        (folder / "seen" / path.name).write_bytes(path.read_bytes())
    named = maps.Named((str(folder),), data_dir=examples[0])
    for form in submissions.FORMS:
        with pytest.raises(ValueError, match="lacks the maps of 1 of 4"):
            submissions.submit(named, "watched_noise", tmp_path / "out", form)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("command", "flags", "named"),
    [
        ("pysaliency", [], "name what to hand over: --dataset=osie"),
        ("pysaliency", ["--dataset=osei"], "osie"),
        ("submit", ["--benchmark=mit30"], "mit300"),
        ("submit", ["--model=nowhere"], "there is nothing at nowhere"),
    ],
)
def test_mistakes_are_named(command, flags, named):
    done = commands.run("-m", "salclass_tf", command, *flags)
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert named in done.stderr
