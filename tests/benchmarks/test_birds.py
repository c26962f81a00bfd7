"""The table of ways in which gaze may help: what is compared, what would be needed to see more."""

import dataclasses
import json
import re
import types

import numpy as np
import pytest

from benchmarks import birds
from benchmarks.power import Spread
from salclass_tf.config.stage import ROLES, SCHEDULE
from salclass_tf.evaluation.maps import resampling
from salclass_tf.evaluation.methods import find
from salclass_tf.evaluation.tables import paper
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.runs.files import write_json
from salclass_tf.runs.learned import Learned
from salclass_tf.training import networks, plan, stages

RNG = np.random.default_rng(0)


def drawn(seeds, images, of_seeds, of_images, rest, mean=0.0):
    """A table of differences, by its definition."""
    parts = (
        (of_seeds, (seeds, 1)),
        (of_images, (1, images)),
        (rest, (seeds, images)),
    )
    return mean + sum(RNG.normal(0, variance**0.5, shape) for variance, shape in parts)


def test_variances_are_those_that_a_table_was_drawn_with():
    truth = {"of_seeds": 0.02, "of_images": 0.3, "rest": 0.1}
    found = [Spread.of(drawn(8, 60, **truth)) for _ in range(400)]
    for name, variance in truth.items():
        mean = np.mean([getattr(one, name) for one in found])
        assert mean == pytest.approx(variance, rel=0.06), name
    alike = Spread.of(np.ones((3, 4)) * [1, 0, 0, 1])
    assert (alike.of_seeds, alike.rest) == (0, 0) and alike.of_images == pytest.approx(1 / 3)


def test_as_many_images_as_told_show_the_effect_in_four_of_five_trials():
    truth = {"of_seeds": 1e-4, "of_images": 0.05, "rest": 0.04}
    spread = Spread(5, **truth)
    images = spread.images_for(0.02)
    deviation = (1e-4 / 5 + 0.05 / images + 0.04 / (5 * images)) ** 0.5
    trials = [drawn(5, images, **truth, mean=0.02).mean() for _ in range(600)]
    assert np.mean(np.abs(trials) > 1.959964 * deviation) == pytest.approx(0.8, abs=0.05)
    assert spread.images_for(0.02, seeds=20) < images and spread.images_for(0.03) < images


def test_too_few_seeds_are_told_and_how_many_would_do():
    spread = Spread(5, 1e-3, 0.05, 0.04)
    assert spread.images_for(0.02) is None
    needed = spread.seeds_for(0.02)
    assert spread.images_for(0.02, seeds=needed) > 0
    assert spread.images_for(0.02, seeds=needed - 1) is None
    with pytest.raises(ValueError, match="at least two seeds and two images; got 1 and 9"):
        Spread.of(np.zeros((1, 9)))


def test_where_images_do_not_differ_one_is_enough():
    assert Spread(3, 0.0, 0.0, 0.0).images_for(0.02) == 1
    assert list(birds._compared(np.ones((3, 40))))[2] == "1"


def row(title, stage, chance, images="80"):
    right = (RNG.random((3, 40)) < chance).astype(float)
    return birds.Row(title, stage, right, {"images seen": images, "steps at each rate": "5 at 1"})


def test_a_row_stands_beside_rgb_alone_that_has_learned_as_long():
    rows = [
        row("RGB", "classifier_rgb", 0.5),
        row("maps", "classifier", 0.6),
        row("longer", "classifier_rgb_longer", 0.7, "120"),
        row("joint", "joint", 0.9, "120"),
        row("drawn", "classifier_rgb_longer", 0.2, "120"),
    ]
    lines = [line.strip("| ").split(" | ") for line in birds.table(rows).splitlines()[2:]]
    for one, plain, cells in zip(rows, (None, 0, None, 2, 2), lines, strict=True):
        assert cells[:3] == [one.title, one.seen["images seen"], "5 at 1"]
        assert cells[3].startswith(f"{one.right.mean():.3f} [")
        if plain is None:
            assert not "".join(cells[5:]).strip("| ")
            continue
        found = one.right - rows[plain].right
        low, high = resampling.two_way(found, 0.95, 9999, 0)
        assert cells[5] == f"{found.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        assert cells[6] == ("yes" if low * high > 0 else "no")
    assert {cells[6] for cells in lines[3:]} == {"yes"}


def test_rows_that_have_not_learned_alike_are_not_compared():
    rows = [row("RGB", "classifier_rgb", 0.5), row("maps", "classifier", 0.5, "81")]
    with pytest.raises(ValueError, match="'maps' has not learned as 'RGB' has"):
        birds.table(rows)


def test_all_ways_learn_by_one_schedule_and_stem_and_blocks_3_to_5_learn():
    runs = birds.configs(birds._parse(["--weights=vgg16.h5"]))
    assert [way.name for way in runs] == ["paper", "pooling", "crops", "attention"]
    first = next(iter(runs.values()))
    depths = enumerate((2, 2, 3, 3, 3), start=1)
    layers = [f"block{b}_conv{n}" for b, depth in depths for n in range(1, depth + 1)]
    for way, run in runs.items():
        for name in ("classifier_rgb", "classifier", "classifier_rgb_longer", "joint"):
            asked, plain = (dataclasses.asdict(one.stages[name]) for one in (run, first))
            alike = [n for n in SCHEDULE if n != "crop_around"]
            assert [asked[n] for n in alike] == [plain[n] for n in alike], (way.name, name)
            pattern = run.stages[name].frozen
            free = [one for one in layers if not networks.is_frozen(pattern, one)]
            assert free == ["block1_conv1", *layers[4:]]
    of_way = {way.name: run for way, run in runs.items()}
    assert of_way["crops"].stages["classifier_rgb_longer"].crop_around == "gaze"
    assert of_way["attention"].stages["classifier_rgb"].attention_loss == 1.0
    for stage in ("saliency", "classifier_rgb", "classifier_rgb_longer"):
        assert of_way["pooling"].for_stage(stage) == first.for_stage(stage)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ways=paper,maps"], "ways are some of paper, pooling, crops, attention, paper among"),
        (["--ways=crops"], "paper among them, with which .* got 'crops'"),
        (["--seeds=0,x"], "seeds are whole numbers of at least 0"),
        (["--attention_loss=-1"], "attention_loss of stage classifier_rgb must be at least 0"),
    ],
)
def test_what_cannot_be_meant_is_one_line(flags, message, capsys):
    assert birds.main([*flags, "--weights=vgg16.h5"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.match(f"error: .*{message}", line)


def write_seed(run, stage, workdir):
    """The finished stages of a run, without their networks."""
    for name in plan.order(run, stage):
        write_json(workdir / name / "config.json", run.for_stage(name))
        own = Learned(name, 80, ((0.1, 0.1, 5),), run.stages[name].attention_loss)
        metrics = {"dataset": "cub_gha", "learned_from": [dataclasses.asdict(own)]}
        write_json(workdir / name / "metrics.json", metrics)
        (workdir / name / "model.keras").write_bytes(b"")


LONGER = (
    "SalClassNet, joint, pooled by its map too",
    "RGB only, crops around gaze, as long",
    "RGB only, attention drawn to gaze, as long",
)


@pytest.mark.parametrize("longer", [True, False])
def test_seeds_that_were_asked_for_are_scored_and_no_others(tmp_path, monkeypatch, longer):
    given = birds._parse([f"--workdir={tmp_path}", *(["--longer"] if longer else [])])
    runs = birds.configs(given)
    for way, run in runs.items():
        for seed in (0, 1):
            write_seed(run, birds._last(given, way), birds._folder(given, way.name, seed))
            for stage in way.shared:
                write_seed(run, stage, birds._folder(given, way.name, seed))
        birds._folder(given, way.name, 2).joinpath("saliency").mkdir(parents=True)  # interrupted
    scored = {}

    def evaluate(settings):
        for method in (one for model in settings.models for one in find.find(model)):
            right = RNG.integers(0, 2, 4)
            half, names = np.full(4, 0.5), tuple("abcd")
            table = Guesses({}, names, np.ones(4, int), right, half, half, names)
            scored[method.name] = (method, table)
        return types.SimpleNamespace(failures=[], classes=list(scored.values()))

    monkeypatch.setattr(paper, "evaluate", evaluate)
    rows = birds._rows(given, runs, (0, 1))
    titles = [title for title, *_ in birds.ROWS if longer or title not in LONGER]
    assert [one.title for one in rows] == titles
    for name, title in (
        ("paper {}: vgg16, 3 channels", "RGB only"),
        ("pooling {}: SalClassNet (vgg16, vgg16)", "SalClassNet, joint, pooled by its map too"),
        (
            "attention {}: vgg16, 3 channels, as long as joint, attention taught by gaze",
            "RGB only, attention drawn to gaze, as long",
        ),
    )[: 3 if longer else 1]:
        [row] = [one for one in rows if one.title == title]
        expected = [scored[name.format(seed)][1].guess == 1 for seed in (0, 1)]
        np.testing.assert_array_equal(row.right, expected)


@pytest.mark.slow
@pytest.mark.usefixtures("without_graphs")
def test_all_rows_are_made_once_and_printed(tiny_data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stages.report, "draw", lambda *drawn: None)  # a third of the time
    flags = ["--dataset=dotted_noise", f"--data_dir={tiny_data_dir}", f"--workdir={tmp_path}"]
    flags += ["--steps=1", "--width=0.03", "--image_size=64", "--seeds=4"]
    assert birds.main(flags) == 0
    text = (tmp_path / "birds.md").read_text()
    assert text.strip() in capsys.readouterr().out
    rows = [line.strip("| ").split(" | ") for line in text.splitlines()[2:11]]
    expected = [row for row in birds.ROWS if row[0] not in LONGER]
    assert [cells[0] for cells in rows] == [title for title, *_ in expected]
    assert [cells[1] for cells in rows] == ["8"] * 7 + ["16"] * 2  # a batch of each stage
    for (_, way, stage), cells in zip(expected, rows, strict=True):
        if stage in ROLES:
            folder = tmp_path / way / "seeds" / "seed_4" / stage
            accuracy = json.loads((folder / "metrics.json").read_text())["test"]["accuracy"]
            assert cells[3].startswith(f"{accuracy:.3f} [") and cells[4] == f"{accuracy:.3f}"
    assert text.count("| paper | ") == 5 and text.count("| pooling | ") == 1
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras")}
    assert len(made) == 5 + 4 + 1 + 1
    assert birds.main(flags) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.keras")} == made
