"""evaluate.py from networks and folders to tables: numbers, resuming, mistakes."""

import csv
import json
import shutil
import types

import commands
import evaluated_run
import numpy as np
import pytest
import tensorflow as tf
from evaluated_run import GEOMETRY, central_crops
from map_files import write_maps

from salclass_tf import metrics, model, serving
from salclass_tf.data import sets
from salclass_tf.data.geometry import Geometry
from salclass_tf.evaluation.maps import evaluate as map_scoring
from salclass_tf.evaluation.methods import baselines, evaluated_sets, map_folders, method
from salclass_tf.evaluation.tables import of_maps as written
from salclass_tf.evaluation.tables import paper, scoring
from salclass_tf.evaluation.tables.paper import Settings
from salclass_tf.runs.finished_stage import FinishedStage
from salclass_tf.training import final_scores


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_data_dir):
    """A run's folder and its networks."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    return workdir, evaluated_run.write_run(workdir, tiny_data_dir)


@pytest.fixture(scope="module")
def tables(run, tiny_data_dir, tmp_path_factory):
    """Folder of the tables of that run."""
    output = tmp_path_factory.mktemp("tables")
    paper.run(Settings((str(run[0]),), output=output, data_dir=tiny_data_dir))
    return output


def rows_of(output, table=4):
    content = json.loads((output / f"table{table}.json").read_text())
    return {row["labels"]["method"]: row for row in content["rows"]}


def mean(row, name):
    return row.get("metrics", row.get("accuracies"))[name]["mean"]


def test_numbers_are_those_that_training_reports(run, tables, tiny_data_dir):
    maps, classes = rows_of(tables), rows_of(tables, 5)
    reported = {
        stage: json.loads((run[0] / stage / "metrics.json").read_text())["test"]
        for stage in evaluated_run.STAGES
    }
    for stage, name in (("joint", "SalClassNet (vgg16, vgg16)"), ("saliency", "detector vgg16")):
        for measure in ("cc", "nss"):
            assert mean(maps[name], measure) == pytest.approx(reported[stage][measure], abs=1e-6)
        assert maps[name]["images"] == maps[name]["fixations"] == 6
    for stage, name in (
        ("joint", "SalClassNet (vgg16, vgg16)"),
        ("classifier_rgb", "vgg16, 3 channels"),
        ("classifier", "vgg16, 4 channels + true maps"),
    ):
        for measure in ("accuracy", "mean_class_accuracy"):
            assert mean(classes[name], measure) == pytest.approx(reported[stage][measure], abs=1e-9)
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    crops = central_crops(noise, "test")
    together = model.SalClassNet(run[1]["saliency"], run[1]["classifier"])
    before = classes["SalClassNet (vgg16, vgg16), parts before joint training"]
    assert (
        mean(before, "accuracy")
        == final_scores.score(final_scores.Forward(together), crops).accuracy
    )
    centre = final_scores.score_map(final_scores.mean_map(central_crops(noise, "train")), crops)
    assert mean(maps["centre bias (mean true map)"], "cc") == pytest.approx(centre.cc, abs=1e-6)
    assert mean(maps["centre bias (mean true map)"], "nss") == pytest.approx(centre.nss, abs=1e-6)


def test_shuffled_auc_takes_the_other_images_of_the_split(run, tables, tiny_data_dir):
    (batch,) = central_crops(sets.open_set("dotted_noise", tiny_data_dir), "test")
    maps = run[1]["joint"](batch)["saliency"].numpy()[..., 0]
    points = [np.argwhere(c[..., 0])[:, ::-1] for c in batch["fixation_counts"].numpy()]
    expected = [
        metrics.shuffled_auc(maps[i], points[i], np.concatenate(points[:i] + points[i + 1 :]))
        for i in range(6)
    ]
    found = rows_of(tables)["SalClassNet (vgg16, vgg16)"]
    assert mean(found, "shuffled_auc") == pytest.approx(np.mean(expected), abs=1e-9)
    own = rows_of(tables)["human, true maps (as in the paper)"]
    assert mean(own, "cc") == pytest.approx(1)


def test_rows_say_where_they_come_from(run, tables):
    row = rows_of(tables)["SalClassNet (vgg16, vgg16)"]
    assert row["labels"]["data set"] == "dotted_noise/1.0.0 test"
    assert row["labels"]["view"] == "crop 40 of 46"
    path = run[0] / "joint" / "model.keras"
    assert row["labels"]["model"] == f"{path} (epoch 3, {row['fingerprint'][:8]})"
    report = (tables / "report.md").read_text()
    assert "The first row on dotted_noise/1.0.0 test against the others:" in report
    assert "All of it holds for **these networks and maps**" in report
    assert "\n| SalClassNet (vgg16, vgg16) | detector vgg16 | s-AUC | " in report
    (line,) = (
        line
        for line in csv.DictReader((tables / "table4.csv").open())
        if line["method"] == "detector vgg16"
    )
    assert float(line["cc_mean"]) == mean(rows_of(tables)["detector vgg16"], "cc")
    # Each test image has one fixation, and the crop shows them all.
    assert (line["fixations"], line["fixations_outside"]) == ("6", "0")
    compared = json.loads((tables / "table4.json").read_text())["comparisons"]
    assert {"human" in pair["second"] for pair in compared} == {False}
    assert any("centre bias" in pair["second"] for pair in compared)


def test_what_classifiers_make_of_the_map_stands_below_table_5(run, tables, tiny_data_dir):
    lines = list(csv.DictReader((tables / "map_use.csv").open()))
    found = {(line["network"], line["with"]): float(line["accuracy_mean"]) for line in lines}
    joint, rgbs = "SalClassNet (vgg16, vgg16)", "vgg16, 4 channels + true maps"
    assert list(found) == [
        *((joint, which) for which in ("own map", "true map", "another picture's map", "no map")),
        *((rgbs, which) for which in ("own map", "another picture's map", "no map", "RGB alone")),
    ]
    (batch,) = central_crops(sets.open_set("dotted_noise", tiny_data_dir), "test")
    network, truth = run[1]["joint"], batch["label"].numpy()
    own = network.detector(batch["image"]).numpy()
    for which, maps in (
        ("own map", own),
        ("true map", batch["saliency"].numpy()),
        ("another picture's map", np.roll(own, 1, axis=0)),
        ("no map", np.zeros_like(own)),
    ):
        read = {"image": batch["image"], "saliency": tf.constant(maps)}
        logits = network.classifier(read).numpy()
        assert found[joint, which] == np.mean(logits.argmax(1) == truth)
    classes = rows_of(tables, 5)
    assert found[rgbs, "own map"] == mean(classes[rgbs], "accuracy")
    assert found[rgbs, "RGB alone"] == mean(classes["vgg16, 3 channels"], "accuracy")
    assert "### What the classifier makes of the map" in (tables / "report.md").read_text()


@pytest.mark.slow
def test_finished_parts_are_kept_until_a_model_changes(run, tmp_path, tiny_data_dir, monkeypatch):
    workdir, output = tmp_path / "run", tmp_path / "tables"
    for stage in ("saliency", "joint"):
        shutil.copytree(run[0] / stage, workdir / stage)
    settings = Settings((str(workdir),), output=output, data_dir=tiny_data_dir)
    first = paper.run(settings)
    loaded = []
    load = FinishedStage.read_network
    monkeypatch.setattr(
        FinishedStage,
        "read_network",
        lambda stage: loaded.append(stage.folder.name) or load(stage),
    )
    assert paper.run(settings) == first
    assert loaded == []
    shutil.copy(run[0] / "saliency" / "model.keras", tmp_path / "other.keras")
    network = run[1]["saliency"]
    bias = network.get_layer("saliency_score").bias
    bias.assign(bias + 1)
    network.save(workdir / "saliency" / "model.keras")
    bias.assign(bias - 1)
    again = paper.run(settings)
    assert loaded == ["saliency"] and again != first
    next((output / "parts").glob("scores*centre_bias*")).write_text('{"labels"')
    assert paper.run(settings) == again


def test_fixations_outside_the_crop_are_counted(tiny_data_dir):
    noise = sets.open_set("dotted_noise", tiny_data_dir)
    narrow = evaluated_sets.EvaluatedSet(noise, "test", Geometry(12, 46))
    left = sum(len(narrow.gaze[name].xy) for name in narrow.gaze)
    assert 0 < left < 6
    scores = scoring.score_method(
        baselines.own_maps(), narrow, frozenset({method.SALIENCY}), map_scoring.TABLE_4
    ).maps
    assert scores.outside == 6 - left
    text = written.markdown([scores])
    assert f"{6 - left} fixations outside the crop" in text


def test_maps_on_different_crops_are_not_compared(run, tiny_data_dir, tmp_path):
    """Another crop has other pixels, fixations and negatives; classes are those of whole images."""
    alone = tmp_path / "alone.keras"
    shutil.copy(run[0] / "joint" / "model.keras", alone)  # its crop is the paper's share
    models = (str(run[0] / "joint"), f"alone={alone}", str(run[0] / "saliency"))
    settings = Settings(
        models,
        ("dotted_noise",),
        (4, 5),
        output=tmp_path / "out",
        data_dir=tiny_data_dir,
        over="fixations",
    )
    report = paper.run(settings)
    content = json.loads((tmp_path / "out" / "table4.json").read_text())
    pairs = {(c["data set"], c["first"], c["second"]) for c in content["comparisons"]}
    own = "dotted_noise/1.0.0 test, crop 40 of 46"
    name = "SalClassNet (vgg16, vgg16)"
    assert (own, name, "detector vgg16") in pairs
    assert not [pair for pair in pairs if pair[0] == own and pair[2] == "alone"]
    classes = json.loads((tmp_path / "out" / "table5.json").read_text())["comparisons"]
    assert {c["second"] for c in classes if c["first"] == name} >= {"alone"}
    assert "| NSS, over fixations |" in report and "| CC |" in report
    nss = [row["metrics"]["nss"]["over"] for row in content["rows"]]
    assert set(nss) == {"fixations"}


def test_what_is_wrong_with_maps_leaves_the_classes(run, tiny_data_dir, tmp_path, monkeypatch):
    cases = scoring._cases
    monkeypatch.setattr(scoring, "_cases", lambda batch, out: broken(cases(batch, out)))

    def broken(found):
        yield next(found)
        raise tf.errors.ResourceExhaustedError(None, None, "no memory for maps")

    settings = Settings((str(run[0] / "joint"),), output=tmp_path / "out", data_dir=tiny_data_dir)
    with pytest.raises(ValueError, match="(?s)lack .*no memory for maps"):
        paper.run(settings)
    assert "SalClassNet (vgg16, vgg16)" in rows_of(tmp_path / "out", 5)


@pytest.mark.parametrize(
    ("image", "there", "taken"),
    [
        ("a.jpg", ["a.png"], "a.png"),
        ("a.jpg", ["a.jpg"], "a.jpg"),
        ("a.jpg", ["a.npy", "a.jpg.png"], "a.jpg.png"),
        ("a.jpg", ["a.png", "a.npy"], "several maps"),
        ("a.2", ["a.npy"], "lacks the maps"),  # that is the map of another image, a
        ("a.2", ["a.2.png"], "a.2.png"),
        ("b/a.jpg", ["b/a.npy"], "b/a.npy"),
        ("a.jpg", ["c/a.npy"], "lacks the maps"),  # it may be of another data set
    ],
)
def test_map_of_an_image_is_found_by_its_name(image, there, taken, tmp_path):
    for name in there:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    dataset = types.SimpleNamespace(gaze=[image], title="the set")
    if " " in taken:
        with pytest.raises(ValueError, match=taken):
            map_folders._paths(tmp_path, dataset)
    else:
        assert map_folders._paths(tmp_path, dataset) == {image: tmp_path / taken}


def test_maps_of_other_programs_are_cropped_as_images_are(tmp_path, tiny_data_dir):
    folder = write_maps(tmp_path / "maps", tiny_data_dir)
    own = write_maps(tmp_path / "of_all", tiny_data_dir)
    (own / "dotted_noise").mkdir()
    for path in own.glob("*.npy"):
        path.rename(own / "dotted_noise" / path.name)
    models = (f"theirs={folder}", str(own))
    settings = Settings(
        models,
        ("dotted_noise",),
        (4,),
        output=tmp_path / "out",
        data_dir=tiny_data_dir,
        view="crop",
    )
    paper.run(settings)
    rows = rows_of(tmp_path / "out")
    human = rows["human, true maps (as in the paper)"]
    # Rendered and resized is nearly resized and rendered; a crop beside the place is far off.
    assert mean(rows["theirs"], "cc") > 0.999
    assert mean(rows["theirs"], "nss") == pytest.approx(mean(human, "nss"), rel=0.03)
    assert mean(rows["of_all"], "cc") == mean(rows["theirs"], "cc")
    assert rows["theirs"]["labels"]["view"] == "crop 299 of 340"


@pytest.mark.slow
def test_what_cannot_be_scored_is_said_and_the_rest_is_kept(run, tmp_path, tiny_data_dir, capsys):
    folder = write_maps(tmp_path / "maps", tiny_data_dir)
    holed = np.load(folder / "3.npy")
    holed[5, 6] = np.nan
    np.save(folder / "3.npy", holed)
    models = (str(run[0] / "saliency"), str(folder))
    settings = Settings(models, tables=(4,), output=tmp_path / "out", data_dir=tiny_data_dir)
    with pytest.raises(ValueError, match=r"lack 1 parts:\n  maps on .*3\.npy: a map must hold fin"):
        paper.run(settings)
    assert "detector vgg16" in capsys.readouterr().out
    assert "maps" not in rows_of(tmp_path / "out")
    np.save(folder / "3.npy", np.ones((52, 44)))
    with pytest.raises(
        ValueError, match=r"3\.npy: the map must have the size .* 44 x 52 .*52 x 44"
    ):
        paper.run(settings)
    (folder / "3.npy").unlink()
    with pytest.raises(ValueError, match=r"lacks the maps of 1 of 6 images .* the first is '3'"):
        paper.run(settings)
    np.save(folder / "3.npy", np.nan_to_num(holed))
    paper.run(settings)
    assert rows_of(tmp_path / "out")["maps"]["images"] == 6


def test_mistakes_are_named_before_anything_is_computed(run, tmp_path, tiny_data_dir, monkeypatch):
    monkeypatch.setattr(scoring, "evaluate", None)
    unfinished = tmp_path / "unfinished"
    (unfinished / "joint").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn.keras").write_text("x")
    output, noise = tmp_path / "out", ("dotted_noise",)
    for message, settings in [
        ("unfinished holds no finished stage; its stages are joint", {"models": (unfinished,)}),
        ("empty holds nothing to evaluate", {"models": (tmp_path / "empty",)}),
        ("nothing at .*nowhere", {"models": (tmp_path / "nowhere",)}),
        (
            r"cannot read the network .*torn.keras \(it is cut short",
            {"models": (tmp_path / "torn.keras",)},
        ),
        ("unknown data set 'dotted_nose'", {"datasets": ("dotted_nose",)}),
        ("got 7", {"tables": (4, 7)}),
        ("got 'nse'", {"measures": ("nss", "nse")}),
        ("has no tset; name one of its splits.*train, test", {"split": "tset"}),
    ]:
        given = {"models": (run[0],), "datasets": noise} | settings
        given["models"] = tuple(map(str, given["models"]))
        with pytest.raises(ValueError, match=message):
            paper.run(Settings(**given, output=output, data_dir=tiny_data_dir))
        assert not list(output.rglob("*.json"))
    maps = write_maps(tmp_path / "maps", tiny_data_dir)
    with pytest.raises(ValueError, match="name a --dataset"):
        paper.run(Settings((str(maps),), output=output, data_dir=tiny_data_dir))


def test_one_image_has_no_others(run, tmp_path, tiny_data_dir):
    models = (str(run[0] / "saliency"),)
    for split, failed in (("test[:1]", 0), ("train[:1]", 1)):
        output = tmp_path / split
        settings = Settings(models, (), (4,), split=split, output=output, data_dir=tiny_data_dir)
        if failed:
            with pytest.raises(ValueError, match="centre bias .* has one image"):
                paper.run(settings)
        else:
            paper.run(settings)
        rows = rows_of(output)
        assert rows["detector vgg16"]["metrics"]["cc"]["images"] == 1
        assert "no fixation points on other images" in (output / "report.md").read_text()
        assert ("centre bias (mean true map)" in rows) == (not failed)
    assert "has one image" in (output / "report.md").read_text()


def test_published_tables_need_no_model(tmp_path):
    paper.run(Settings((), tables=(1,), output=tmp_path))
    report = (tmp_path / "report.md").read_text()
    line = "| MIT300 | DeepGaze 2 | SALICON - MIT1003 | published, Table 1 | 0.51 | 0.77 | 0.86 |"
    assert line in report
    lines = list(csv.DictReader((tmp_path / "table1.csv").open()))
    assert len({line["method"] for line in lines}) == 9


@pytest.mark.slow
def test_export_scores_as_its_network(run, tables, tmp_path, tiny_data_dir):
    names = tmp_path / "names.txt"
    names.write_text("red\ngreen\nblue\n")
    serving.export(run[0], "joint", tmp_path / "export", serving.Settings(), None, names)
    path = run[0] / "joint" / "model.keras"
    alone = tmp_path / "alone.keras"
    shutil.copy(path, alone)
    models = (str(tmp_path / "export"), str(alone))
    settings = Settings(models, ("dotted_noise",), output=tmp_path / "out", data_dir=tiny_data_dir)
    paper.run(settings)
    expected = rows_of(tables)["SalClassNet (vgg16, vgg16)"]
    maps, classes = rows_of(tmp_path / "out"), rows_of(tmp_path / "out", 5)
    served = "SalClassNet, stage joint, exported in float32"
    for measure in ("cc", "nss"):
        assert mean(maps[served], measure) == pytest.approx(mean(expected, measure), abs=1e-4)
    assert maps[served]["labels"]["view"] == "crop 40 of 46"
    # A file alone does not tell its crop; the paper's is taken.
    assert maps["alone"]["labels"]["view"] == f"crop 40 of {round(40 * 340 / 299)}"
    accuracy = mean(rows_of(tables, 5)["SalClassNet (vgg16, vgg16)"], "accuracy")
    assert mean(classes[served], "accuracy") == accuracy
    assert GEOMETRY.short_side == 46


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "code", "named"),
    [
        (("--table=4,five",), 2, "tables are some of 1, 4, 5, 6; got 'five'"),
        (("--model=nowhere",), 2, "nothing at nowhere"),
        (("--table=5", "--dataset=dotted_noise,dotted_noise"), 0, "Table 5"),
    ],
)
def test_script(run, tmp_path, tiny_data_dir, flags, code, named):
    places = (f"--output={tmp_path}/out", f"--data_dir={tiny_data_dir}")
    done = commands.run("evaluate.py", f"--model={run[0]}", *flags, *places)
    assert done.returncode == code, done.stderr
    assert named in (done.stderr if code else done.stdout)
    assert "Traceback" not in done.stderr
