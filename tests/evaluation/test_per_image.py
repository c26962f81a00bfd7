"""What single images and classes got, against counting by hand and against the networks."""

import csv
import io
import json

import numpy as np
import pytest
import scipy.special
import scipy.stats
from PIL import Image

from salclass_tf import figures, model
from salclass_tf.classifiers import build_classifier
from salclass_tf.data import sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.detectors import build_detector
from salclass_tf.evaluation import paper_figures
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables import of_confusions, paper, per_image
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.evaluation.tables.paper import Settings

NAMES = ("ant", "bee", "cat")


def lines_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The file of a SalClassNet, and the network."""
    detector = build_detector("vgg16", image_size=40, width=1 / 32)
    classifier = build_classifier("vgg16", 3, image_size=40, width=1 / 32)
    both = model.SalClassNet(detector, classifier)
    path = tmp_path_factory.mktemp("networks") / "net.keras"
    both.save(path)
    return path, both


@pytest.fixture(scope="module")
def output(network, tiny_data_dir, tmp_path_factory):
    """Folder of the tables of SalClassNet."""
    folder = tmp_path_factory.mktemp("tables")
    models, names = (str(network[0]),), ("dotted_noise",)
    paper.run(Settings(models, names, output=folder, data_dir=tiny_data_dir))
    return folder


@pytest.fixture
def guesses():
    """Seven images of three classes; nobody showed a cat."""
    truth = np.array([0, 0, 0, 0, 1, 1, 1])
    likely = np.full((7, 3), 0.1)
    likely[np.arange(7), [0, 1, 2, 1, 1, 1, 0]] = 0.8
    labels = {"data set": "zoo/1.0.0 test", "method": "m"}
    return Guesses.of_probabilities(labels, tuple("abcdefg"), truth, likely, NAMES)


def test_confusions_are_counted(guesses):
    by_hand = [[1, 2, 1], [1, 2, 0], [0, 0, 0]]
    assert of_confusions.counts(guesses).tolist() == by_hand
    head, *rows = csv.reader(io.StringIO(of_confusions.matrix_csv(guesses)))
    assert head[1:] == list(NAMES) == [row[0] for row in rows]
    assert [[int(cell) for cell in row[1:]] for row in rows] == by_hand
    ant, bee, cat = lines_of(of_confusions.classes_csv({5: [guesses]}))
    assert (ant["images"], ant["right"], ant["accuracy"]) == ("4", "1", "0.25")
    assert (ant["most often taken for"], ant["times"]) == ("bee", "2")
    assert (bee["most often taken for"], bee["times"]) == ("ant", "1")
    assert (cat["images"], cat["accuracy"], cat["most often taken for"]) == ("0", "", "")
    # Wilson's interval by its formula.
    z, n, p = scipy.stats.norm.ppf(0.975), 4, 0.25
    middle = (p + z**2 / 2 / n) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
    assert float(ant["low"]) == pytest.approx(middle - reach)
    assert float(ant["high"]) == pytest.approx(middle + reach)


def test_every_image_has_a_line_and_the_reason_of_what_it_lacks():
    scores = Scores(
        labels={"method": "m"},
        images=("a", "b", "b", "c"),
        fixations=np.array([3, 1, 2, 4]),
        values={"nss": np.array([1.5, 1.0, 2.0, 0.5]), "cc": np.array([0.5, 0.1, 0.3, np.nan])},
        reasons={"nss": {}, "cc": {"c": "no heat map"}},
        skipped={"d": "fewer than two viewers"},
        outside=0,
    )
    a, b, c, d = lines_of(per_image.scores_csv([scores]))
    assert a == {
        "method": "m",
        "image": "a",
        "fixations": "3",
        "nss": "1.5",
        "cc": "0.5",
        "without score": "",
    }
    assert (b["fixations"], b["nss"], float(b["cc"])) == ("3", "1.5", pytest.approx(0.2))
    assert (c["nss"], c["cc"], c["without score"]) == ("0.5", "", "cc: no heat map")
    assert (d["nss"], d["without score"]) == ("", "fewer than two viewers")


def test_lines_are_what_the_network_answers(network, output, tiny_data_dir):
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    [batch] = EvaluatedSet(noise, "test", Geometry.for_image_size(40)).batches()
    logits = network[1](batch["image"])["logits"].numpy().astype(float)
    likely = scipy.special.softmax(logits, axis=1)
    lines = lines_of((output / "predictions.csv").read_text())
    names = np.array(["red", "green", "blue"])
    images = [name.decode() for name in batch["image_id"].numpy()]
    assert [line["image"] for line in lines] == images
    truth = batch["label"].numpy()
    assert [line["true class"] for line in lines] == names[truth].tolist()
    assert [line["predicted class"] for line in lines] == names[likely.argmax(1)].tolist()
    shown = [float(line["probability"]) for line in lines]
    assert shown == pytest.approx(likely.max(1), rel=1e-4)
    of_truth = [float(line["probability of the true class"]) for line in lines]
    assert of_truth == pytest.approx(likely[np.arange(6), truth], rel=1e-4)
    right = np.mean([line["right"] == "1" for line in lines])
    (row,) = json.loads((output / "table5.json").read_text())["rows"]
    assert row["accuracies"]["accuracy"]["mean"] == right


def test_means_of_the_lines_are_those_of_the_table(output):
    lines = lines_of((output / "scores.csv").read_text())
    for row in json.loads((output / "table4.json").read_text())["rows"]:
        mine = [line for line in lines if line["method"] == row["labels"]["method"]]
        assert len(mine) == row["images"] == 6
        for name, found in row["metrics"].items():
            known = [float(line[name]) for line in mine if line[name]]
            assert len(known) == found["images"]
            if known:
                assert np.mean(known) == pytest.approx(found["mean"], abs=1e-12)


def test_listing_names_every_file_and_two_models_of_one_name_have_their_own(
    network, tmp_path, tiny_data_dir, capsys
):
    models, names = (f"one={network[0]}", f"one={network[0]}"), ("dotted_noise",)
    paper.run(Settings(models, names, (5,), output=tmp_path, data_dir=tiny_data_dir))
    printed = capsys.readouterr().out
    listed = {line.removeprefix("written: ") for line in printed.splitlines() if "written" in line}
    assert listed == {str(path) for path in tmp_path.iterdir() if path.is_file()}
    assert len([path for path in listed if "confusion-table5-one-" in path]) == 2
    assert {"predictions.csv", "classes.csv"} <= {path.rpartition("/")[2] for path in listed}


def test_picture_is_drawn_of_finished_parts(network, output, tiny_data_dir, monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "confusion", lambda *given: shown.append(given) or [])
    with pytest.raises(ValueError, match="0 confusion matrices"):  # nothing came back
        paper_figures.run(
            paper_figures.Settings(
                *(("confusion",), (str(network[0]),), ("dotted_noise",)),
                output=output,
                data_dir=tiny_data_dir,
            )
        )
    [(counts, names, title, path)] = shown
    head, *rows = csv.reader(path.with_name(f"{path.name}.csv").open())
    assert counts.tolist() == [[int(cell) for cell in row[1:]] for row in rows]
    assert (*names,) == (*head[1:],) and "6 images" in title


def test_picture_has_room_for_every_name(tmp_path):
    rng = np.random.default_rng(0)
    sizes = []
    for classes in (2, 40):
        counts = rng.integers(0, 5, (classes, classes))
        names = [f"a rather long name {number}" for number in range(classes)]
        png, pdf = figures.confusion(counts, names, "title", tmp_path / f"{classes}")
        assert pdf.read_bytes().startswith(b"%PDF")
        with Image.open(png) as image:
            pixels = np.asarray(image.convert("RGB"))
        sizes.append(pixels.shape[0])
        # The border is white: nothing is cut off.
        assert (pixels[:2] == 255).all() and (pixels[:, -2:] == 255).all()
    assert sizes[1] > 40 * 20  # pixels; a name of 8 points takes 12
