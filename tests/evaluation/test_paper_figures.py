"""evaluate.py --figure from networks to pictures: which images, which maps, what is said."""

import dataclasses
import json
import pathlib

import commands
import evaluated_run
import numpy as np
import pytest
from evaluated_run import GEOMETRY, central_crops
from map_files import write_maps

from salclass_tf import figures, metrics
from salclass_tf.data import sets
from salclass_tf.evaluation import paper_figures
from salclass_tf.evaluation.activations.largest import Largest
from salclass_tf.evaluation.methods import lineup
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.paper_figures import Settings, picking

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_data_dir):
    """A run's folder and its networks."""
    workdir = tmp_path_factory.mktemp("runs") / "tiny"
    return workdir, evaluated_run.write_run(workdir, tiny_data_dir)


@pytest.fixture
def drawn(monkeypatch):
    """What would be drawn: the arguments of every call."""
    calls = []

    def note(*arguments):
        calls.append(arguments)
        return [pathlib.Path("drawn.png")]

    for name in ("comparison", "overlays", "alpha_curves"):
        monkeypatch.setattr(figures, name, note)
    return calls


@pytest.fixture
def crops(tiny_data_dir):
    return EvaluatedSet(sets.open_set("dotted_noise", tiny_data_dir), "test", GEOMETRY)


def settings(run, tmp_path, tiny_data_dir, **changes):
    given = {"models": (f"ours={run[0]}",), "output": tmp_path, "data_dir": tiny_data_dir}
    return Settings(**(given | changes))


def test_the_largest_are_kept_in_bounded_memory():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 40, 300).astype(float)
    largest = Largest(7)
    for index, value in enumerate(values):
        largest.offer(value, index)
        assert len(largest._heap) <= 7
    # Of equal values the first stays.
    assert largest.items() == sorted(range(300), key=lambda i: (-values[i], i))[:7]


def test_drawn_images_follow_the_seed(crops):
    first, again, other = (picking.draw(crops, 3, seed) for seed in (0, 0, 1))
    assert first == again != other
    order = list(crops.gaze)
    assert first == sorted(first, key=order.index) and set(first) < set(order)
    assert picking.draw(crops, 99, 0) == order
    ids = picking.only(crops, ["4", "1"]).map(lambda example: example["image/id"])
    found = [name.decode() for name in ids.as_numpy_iterator()]
    assert found == sorted(["1", "4"], key=order.index)
    with pytest.raises(ValueError, match="has no image 'x'"):
        picking.only(crops, ["1", "x"])


def test_fig_3_shows_where_the_map_changed_most(run, tmp_path, tiny_data_dir, drawn, crops):
    paper_figures.run(settings(run, tmp_path, tiny_data_dir, figures=("3",), images=2))
    ((rows, heads, title, path, scale, change_scale),) = drawn
    (batch,) = central_crops(crops.gaze_set, "test")
    before = run[1]["saliency"](batch["image"]).numpy()[..., 0]
    after = run[1]["joint"](batch)["saliency"].numpy()[..., 0]
    agreement = np.array([metrics.cc(b, a) for b, a in zip(before, after, strict=True)])
    images = [name.decode() for name in batch["image_id"].numpy()]
    shown = [images.index(row.name.partition("\n")[0]) for row in rows]
    # Of maps that agree as little as others, rounding decides which ones are shown.
    np.testing.assert_allclose(agreement[shown], np.sort(agreement)[:2], atol=1e-5)
    for row, i in zip(rows, shown, strict=True):
        assert row.name == f"{images[i]}\nCC of both {agreement[i]:.2f}"
        np.testing.assert_allclose(row.maps[0], before[i], atol=1e-5)
        np.testing.assert_allclose(row.maps[1], after[i], atol=1e-5)
        np.testing.assert_allclose(row.change, after[i] - before[i], atol=1e-5)
        np.testing.assert_array_equal(row.truth, batch["saliency"][i, ..., 0])
        np.testing.assert_array_equal(row.image, batch["image"][i])
        np.testing.assert_array_equal(
            row.xy, np.argwhere(batch["fixation_counts"][i, ..., 0].numpy())[:, ::-1]
        )
    assert change_scale.high == max(np.abs(row.change).max() for row in rows) == -change_scale.low
    points = [row[::-1] for row in np.argwhere(batch["fixation_counts"].numpy()[..., 0])[:, 1:]]
    nss = [metrics.nss(m, p[None]) for m, p in zip(after, points, strict=True)]
    assert heads[1].startswith(f"after joint training\nmean NSS {np.mean(nss):.2f}   CC ")
    assert "the 2 images of 6 whose maps correlate least" in title
    assert "ours on dotted_noise/1.0.0 test" in title
    assert path.name == "fig3-ours-dotted_noise-test"


def test_figs_5_and_6_compare_maps_of_any_unit(run, tmp_path, tiny_data_dir, drawn, crops):
    folder = write_maps(tmp_path / "maps", tiny_data_dir)
    for path in folder.glob("*.npy"):
        np.save(path, 5000 + 1000 * np.load(path))
    models = (f"ours={run[0] / 'joint'}", f"theirs={folder}")
    chosen = {"models": models, "pick": ("4", "1"), "view": "crop"}
    five = settings(run, tmp_path, tiny_data_dir, figures=("5",), **chosen)
    paper_figures.run(five)
    ((rows, heads, title, _, scale),) = drawn
    assert [row.name for row in rows] == ["4", "1"]
    assert heads == ["ours", "theirs"]
    assert "dotted_noise/1.0.0 test: chosen images" in title
    (batch,) = central_crops(crops.gaze_set, "test")
    place = [name.decode() for name in batch["image_id"].numpy()].index("4")
    ours = run[1]["joint"](batch)["saliency"].numpy()[place, ..., 0]
    np.testing.assert_allclose(rows[0].maps[0], (ours - ours.mean()) / ours.std(), atol=1e-4)
    # The true maps in another unit: rendered and resized is nearly resized and rendered.
    np.testing.assert_allclose(rows[0].maps[1], rows[0].truth, atol=0.15)
    assert scale.low == 0 and scale.high >= 1
    xy = np.argwhere(batch["fixation_counts"][place, ..., 0].numpy())[:, ::-1]
    assert rows[0].scores[0]["NSS"] == pytest.approx(rows[0].maps[0][xy[:, 1], xy[:, 0]].mean())
    six = settings(run, tmp_path, tiny_data_dir, figures=("6",), models=models)
    with pytest.raises(ValueError, match="Fig. 6 shows sets that no model learned from"):
        paper_figures.run(six)
    named = settings(
        run, tmp_path, tiny_data_dir, figures=("6",), models=models[:1], datasets=("dotted_maps",)
    )
    paper_figures.run(named)
    assert "dotted_maps" in drawn[-1][2] and len(drawn[-1][0]) == 6


def test_overlays_of_every_method(run, tmp_path, tiny_data_dir, drawn):
    paper_figures.run(settings(run, tmp_path, tiny_data_dir, figures=("overlays",), images=2))
    assert [call[1].split(" on ")[0] for call in drawn] == [
        "ours: SalClassNet (vgg16, vgg16)",
        "ours: detector vgg16",
    ]
    assert {len(call[0]) for call in drawn} == {2}
    assert len({call[2] for call in drawn}) == 2
    assert drawn[0][0][0].caption.startswith(f"{drawn[0][0][0].caption.split(':')[0]}: NSS ")


def test_fig_4_reads_the_sweep(run, tmp_path, tiny_data_dir, drawn):
    four = settings(run, tmp_path, tiny_data_dir, figures=("4",), models=(str(tmp_path),))
    with pytest.raises(ValueError, match="there is no sweep .* --sweep_alpha="):
        paper_figures.run(four)
    point = {"alpha": 0.2, "accuracy": 0.7, "mse": 0.02, "images": 6}
    found = {"dataset": "dotted_noise/1.0.0", "split": "test", "saliency_loss": "mse", "seed": 3}
    (tmp_path / "sweep").mkdir()
    path = tmp_path / "sweep" / "alpha.json"
    path.write_text(json.dumps(found | {"before_joint": point | {"alpha": None}, "rows": [point]}))
    paper_figures.run(four)
    (((sweep,), title, _),) = drawn
    assert sweep.trials == [figures.Trial(0.7, 0.02, 6, 0.2)] and sweep.before.alpha is None
    assert title.endswith("on dotted_noise/1.0.0 test, 6 images, L_S mse, seed 3")
    for seed, changed in ((3, {}), (4, {"seed": 4})):
        folder = tmp_path / "several" / f"seed_{seed}" / "sweep"
        folder.mkdir(parents=True)
        text = json.dumps(found | changed | {"before_joint": None, "rows": [point]})
        (folder / "alpha.json").write_text(text)
    several = dataclasses.replace(four, models=(str(tmp_path / "several"),))
    paper_figures.run(several)
    sweeps, title, _ = drawn[-1]
    assert len(sweeps) == 2 and title.endswith("L_S mse, seeds 3, 4")
    (folder / "alpha.json").write_text(text.replace('_loss": "mse', '_loss": "kl'))
    with pytest.raises(ValueError, match="of the seeds in .* differ: .*L_S mse; .*L_S kl; give"):
        paper_figures.run(several)
    path.write_text(json.dumps(found | {"before_joint": None, "rows": []}))
    with pytest.raises(ValueError, match="has finished no value yet"):
        paper_figures.run(four)
    path.write_text("{}")
    with pytest.raises(ValueError, match="alpha.json is damaged"):
        paper_figures.run(four)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"figures": ("3", "8")},
            "figures are some of 3, 4, 5, 6, 7, overlays, confusion; got '8'",
        ),
        ({"figures": ()}, "got none"),
        ({"figures": ("5",), "images": 0}, "at least 1 image; got 0"),
        ({"figures": ("3", "5"), "pick": ("changed",)}, "only Fig. 3 knows what changed"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Settings(models=("runs/demo",), **changes)


def test_fig_3_needs_a_run_with_both_stages(run, tmp_path, tiny_data_dir):
    alone = settings(
        run, tmp_path, tiny_data_dir, figures=("3",), models=(str(run[0] / "saliency"),)
    )
    with pytest.raises(ValueError, match="has no finished stage saliency; name a run"):
        paper_figures.run(alone)


def test_a_lineup_opens_the_same_crops_once(run, tiny_data_dir):
    opened = lineup.open_all([str(run[0])], data_dir=tiny_data_dir)
    first = opened.crops(opened.sets[0], None)
    assert first is opened.crops(opened.sets[0], GEOMETRY)


@pytest.mark.slow
def test_script(run, tmp_path, tiny_data_dir):
    command = ["evaluate.py", f"--model={run[0]}", f"--output={tmp_path}"]
    command += [f"--data_dir={tiny_data_dir}", "--images=2"]
    several = ["--figure=3,5,7,overlays", "--layers=block1_conv2", "--channels=1"]
    done = commands.run(*command, *several)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("*.pdf"))) == 5
    assert "Table 4" not in done.stdout
    wrong = commands.run(*command, "--figure=9")
    assert wrong.returncode == 2 and "figures are some of" in wrong.stderr
