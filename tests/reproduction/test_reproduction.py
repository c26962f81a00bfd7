"""The reproduction: what is planned, and the whole of the demo's plan at a tiny size."""

import dataclasses
import importlib
import pathlib
import re
import shlex
import sys

import commands
import pytest
from absl import flags

from salclass_tf import reproduction
from salclass_tf.config import PRESETS, ROLES, Config, build_config
from salclass_tf.evaluation import paper_figures
from salclass_tf.evaluation.tables import published
from salclass_tf.reproduction import report, running
from salclass_tf.reproduction.plan import Place, Plan, Step
from salclass_tf.runs import stage_copies
from salclass_tf.runs.files import write_json
from salclass_tf.training.plan import order

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEFORE = "SalClassNet's detector before joint training"
LONGER = ", as long as SalClassNet"
FOLDER = "{workdir}/"
# Modules that define flags when they are imported, as other tests of this process may have done.
_WITH_FLAGS = ("salclass_tf.commands", "benchmarks")


@pytest.fixture(params=PRESETS)
def plan(request) -> Plan:
    return reproduction.build_plan(request.param)


def flags_of(step: Step) -> dict[str, str]:
    """The flags of a command."""
    return dict(text[2:].split("=", 1) for text in step.command[1:] if "=" in text)


def run_of(step: Step) -> str:
    """The folder of the run, or of the runs of several seeds, that a command trains."""
    return flags_of(step)["workdir"].removeprefix(FOLDER)


def seeds_of(step: Step) -> list[str]:
    """The seeds of a command that trains several."""
    return flags_of(step).get("seeds", "").split(",")


def config_of(step: Step) -> Config:
    """The configuration that a training command makes."""
    given = flags_of(step)
    names = ("detector", "classifier", "detector_weights")
    run = {name: given.get(name) for name in names}
    run["pretrain_detector"] = False if "--nopretrain_detector" in step.command else None
    config = build_config(given.get("preset", "demo"))
    return config.override(given.get("stage", "joint"), run, {})


def trained_by(step: Step) -> list[str]:
    return order(config_of(step), flags_of(step).get("stage", "joint"))


def made(step: Step) -> set[str]:
    """The files and folders of networks that a step leaves in the work folder."""
    match step.command:
        case ("train", *words) if any("sweep_alpha" in word for word in words):
            return {f"{run_of(step)}/sweep"}
        case ("train", *_) if "seeds" not in flags_of(step):
            return {f"{run_of(step)}/{name}" for name in trained_by(step)}
        case ("train", *_):
            run, stages = run_of(step), trained_by(step)
            shared = {f"{run}/{name}" for name in stages if ROLES[name].pretraining}
            folders = [f"{run}/seeds", *(f"{run}/seeds/seed_{seed}" for seed in seeds_of(step))]
            return {*shared, *folders, *(f"{at}/{name}" for at in folders for name in stages)}
        case ("release", folder, *names):
            return {f"{folder.removeprefix(FOLDER)}/{n}.keras" for n in names if "=" not in n}
    return set()


def read(step: Step, seeds: tuple[int, ...]) -> set[str]:
    """The files and folders that a step takes."""
    match step.command:
        case ("train", *words) if any("sweep_alpha" in word for word in words):
            return {f"{run_of(step)}/saliency", f"{run_of(step)}/classifier"}
        case ("copy", *folders, _):
            return {folder.removeprefix(FOLDER) for folder in folders}
    if step.figure == "4":
        return {f"{run}/seed_{n}/sweep" for run in step.models.values() for n in seeds}
    return set(step.models.values())


def test_each_step_comes_after_those_that_make_what_it_takes(plan):
    names = [step.name for step in plan.steps]
    marks = {running._mark(step, Place(pathlib.Path())) for step in plan.steps}
    assert len(marks) == len(set(names)) == len(names)
    for number, step in enumerate(plan.steps):
        there = set().union(*map(made, plan.steps[:number]))
        taken = read(step, plan.seeds)
        assert taken <= there, step.name
        assert not step.name.startswith(("Table", "Fig.")) or taken


def test_commands_name_the_files_that_tell_that_they_are_done(plan):
    for step in plan.steps[1:]:
        given = flags_of(step)
        match step.command:
            case ("train", *_) if "sweep_alpha" in given:
                expected = {f"{run_of(step)}/sweep/alpha.json"}
            case ("train", *_) if "seeds" in given:
                runs = [f"{run_of(step)}/seeds/seed_{seed}" for seed in seeds_of(step)]
                expected = {f"{run}/{given['stage']}/metrics.json" for run in runs}
            case ("train", *_):
                expected = {f"{run_of(step)}/{given['stage']}/metrics.json"}
            case ("copy", *_, last, target):
                run = target.removeprefix(FOLDER)
                expected = {f"{run}/{pathlib.Path(last).name}/metrics.json"}
            case ("release", *_):
                expected = made(step)
            case _:
                output = given["output"].removeprefix(FOLDER)
                name = "report.md" if step.table else f"fig{step.figure}-*.png"
                expected = {f"{output}/{name}"}
        assert set(step.makes) == expected, step.name


def test_what_is_compared_is_trained_once_for_each_seed(plan):
    assert plan.seeds == {"demo": (0, 1, 2), "paper": (0,)}[plan.preset]
    other = reproduction.build_plan(plan.preset, (4, 7))
    one, two = plan.steps, other.steps
    each = {name.removesuffix(f", seed {plan.seeds[0]}") for name in (s.name for s in one)}
    assert {re.sub(r", seed \d$", "", step.name) for step in two} == {
        re.sub(r", seed \d$", "", name) for name in each
    }
    named = [step for step in two if step.command[0] == "train" and "pretrained" not in step.name]
    assert all(
        flags_of(step).get("seeds", "4,7") == "4,7" and flags_of(step).get("seed", "4") in "47"
        for step in named
    )
    assert [flags_of(step)["seed"] for step in named if "seed" in flags_of(step)] == ["4", "7"]
    for step in (step for step in two if step.table):
        families = [path for path in step.models.values() if "/seeds/" in path]
        assert families and all("seed_" not in path for path in families)


def test_all_data_sets_are_prepared_first(plan):
    prepared, used = set(plan.steps[0].command[1:]), set()
    for step in plan.steps[1:]:
        used |= set(step.datasets)
        if step.command[0] == "train":
            used |= {config_of(step).stages[name].dataset for name in trained_by(step)}
    assert plan.steps[0].command[0] == "prepare" and prepared == used


def test_paper_is_reproduced_in_full(plan):
    tables = [step.table for step in plan.steps if step.table]
    drawn = [step.figure for step in plan.steps if step.figure]
    assert (tables, drawn) == ([4, 5, 6], ["3", "4", "5"])
    assert set(drawn) <= set(paper_figures.FIGURES) and set(drawn) == set(report._CAPTIONS)
    configs = [config_of(step) for step in plan.steps if step.command[0] == "train"]
    assert {config.preset for config in configs} == {plan.preset}
    assert {config.classifier for config in configs} == {"inception_v3", "vgg19"}
    assert {config.detector for config in configs} == {"vgg19", "salnet", "salicon"}


def test_methods_have_the_names_that_the_paper_gives_them(plan):
    for step in (step for step in plan.steps if step.table):
        rows = published.rows(step.table)
        printed = {row.method: row.values for row in rows if row.dataset == rows[0].dataset}
        # Table 4 has people besides, and our detector before the class error has reached it. Table
        # 5 has RGB twice, as long as each of those that it is compared with.
        longer = {name: name.removesuffix(LONGER) for name in step.models}
        assert set(longer.values()) ^ set(printed) <= {"Human Baseline", BEFORE}
        assert all(LONGER not in name or name.removesuffix(LONGER) in longer for name in longer)
        assert step.claims
        for claim in step.claims:
            assert set(claim) <= set(step.models)
            better, worse = (printed[longer[name]] for name in claim)
            assert better and all(better[name] > worse[name] for name in better)


def test_every_step_of_the_demo_has_a_time_and_a_try_out_reaches_all_training(tmp_path):
    plan = reproduction.build_plan("demo")
    assert 60 < sum(step.minutes for step in plan.steps) < 180
    place = Place(tmp_path, steps=3)
    with_steps = {step.name for step in plan.steps if "--steps=3" in step.arguments(place)}
    assert with_steps == {step.name for step in plan.steps if step.command[0] == "train"}
    with pytest.raises(ValueError, match="unknown preset 'tiny'; choose one of demo, paper"):
        reproduction.build_plan("tiny")


def test_outline_says_what_is_to_do_and_does_nothing(tmp_path):
    plan, place = reproduction.build_plan("demo"), Place(tmp_path / "run")
    text = reproduction.outline(plan, place)
    lines = text.splitlines()
    assert lines[0] == f"preset demo, in {tmp_path}/run"
    assert len(lines) == len(plan.steps) + 2 and not (tmp_path / "run").exists()
    everything = sum(step.minutes for step in plan.steps)
    assert lines[-1] == f"about {everything:g} minutes to go on two slow cores"
    mark = running._attempts(plan.steps[0], place)
    write_json(running._mark(plan.steps[0], place), mark | {"finished": False})
    assert "done" not in reproduction.outline(plan, place)
    write_json(running._mark(plan.steps[0], place), mark | {"finished": True})
    lines = reproduction.outline(plan, place).splitlines()
    assert "  1  done " in lines[1] and "  2  to do" in lines[2]
    assert (
        lines[-1] == f"about {everything - plan.steps[0].minutes:g} minutes to go on two slow cores"
    )


@pytest.mark.parametrize("seeds", [(), (1, 1), (0, -1)])
def test_seeds_that_cannot_be_are_refused(seeds):
    with pytest.raises(ValueError, match="at least 0, each once; got"):
        reproduction.build_plan("demo", seeds)


def test_seeds_that_were_not_asked_for_are_named_before_anything_is_done(tmp_path):
    for run, seed in (("salnet", 0), ("salnet", 3), ("salclassnet", 1)):
        (tmp_path / run / "seeds" / f"seed_{seed}").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"salnet/seeds has seeds 3, .* --seeds=0,1,2: add them"):
        reproduction.run(reproduction.build_plan("demo"), Place(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["salclassnet", "salnet"]


@pytest.mark.parametrize(
    ("given", "code", "named"),
    [
        (("--dry_run",), 0, "train --stage=joint --seeds=0,1,2 --workdir=salclassnet\n"),
        (("--dry_run", "--seeds=5"), 0, "train --stage=joint --seeds=5 --workdir=salclassnet\n"),
        (("--dry_run", "--seeds=1,1"), 2, "--seeds=1,1"),
        (("--dry_run", "--preset=paper"), 0, "prepare saldogs poet salbirds salflowers"),
        (("--preset=tiny",), 1, "paper"),
        (("--steps=0",), 2, "steps must be above 0; got 0"),
        (("demo",), 2, "--name=value"),
    ],
)
def test_script(tmp_path, given, code, named):
    done = commands.run("reproduce.py", f"--workdir={tmp_path}/run", *given)
    assert done.returncode == code, done.stderr
    assert named in (done.stderr if code else done.stdout)
    assert "Traceback" not in done.stderr and not (tmp_path / "run").exists()


def test_another_split_changes_tables_and_figures_alone(plan):
    first, other = (Place(pathlib.Path("x"), split=split) for split in (None, "test[:9]"))
    changed = {s.name for s in plan.steps if s.arguments(first) != s.arguments(other)}
    assert changed == {s.name for s in plan.steps if s.models}
    # Where things lie is no part of what was done.
    elsewhere = dataclasses.replace(first, workdir=pathlib.Path("y"), data_dir="sets")
    for step in plan.steps:
        assert running._attempts(step, first) == running._attempts(step, elsewhere)


def shrunk(plan: Plan) -> Plan:
    """The same steps on pictures of noise; the second set has neither fixations nor classes.

    Networks that flags name are the smallest of their kind.
    """
    smaller = {
        "--sweep_alpha=": "--sweep_alpha=0,0.2",
        "--detector=": "--detector=salnet",
        "--classifier=": "--classifier=vgg16",
    }
    steps = []
    for step in plan.steps:
        command, sets = step.command, ("dotted_noise", "dotted_maps")[: min(2, len(step.datasets))]
        if command[0] == "prepare":
            command = ("prepare", "dotted_noise", "dotted_maps")
        smaller["--dataset="] = f"--dataset={','.join(sets)}"
        command = tuple(
            next((new for start, new in smaller.items() if word.startswith(start)), word)
            for word in command
        )
        steps.append(dataclasses.replace(step, command=command, datasets=sets))
    return dataclasses.replace(plan, steps=tuple(steps))


def tiny_config(preset="demo", dataset=None, stage=None):
    """Tiny networks on pictures of noise."""
    config = build_config("demo")
    numbers = {"dataset": "dotted_noise", "epochs": 1, "batch_size": 4, "geometry": None}
    return dataclasses.replace(
        config,
        stages={name: dataclasses.replace(s, **numbers) for name, s in config.stages.items()},
        detector="salnet",  # half as many layers to trace as VGG-19
        classifier="vgg16",
        classifier_weights=None,
        pretrain_classifier=True,
        width=1 / 64,
        image_size=64,
        short_side=72,
        precision="float32",
    )


def give(arguments: list[str]) -> None:
    """Gives a command in this process, as Python would in one of its own."""
    if arguments[1] == "salclass_tf.runs.stage_copies":
        return stage_copies.main(arguments[2:])
    for name in list(flags.FLAGS):  # those of the command before
        if flags.FLAGS.find_module_defining_flag(name, "").startswith(_WITH_FLAGS):
            delattr(flags.FLAGS, name)
    name = f"salclass_tf.commands.{arguments[2]}"
    sys.modules.pop(name, None)
    command = importlib.import_module(name)
    rest = flags.FLAGS([shlex.join(arguments[:3]), *arguments[3:]])[1:]
    return command.main(rest) if arguments[2] == "prepare" else command.main()


@pytest.mark.slow
@pytest.mark.usefixtures("without_graphs")
def test_whole_plan_of_the_demo_ends_in_a_report(tmp_path, tiny_data_dir, monkeypatch):
    done = []

    def here(step, place, log):
        done.append(step.name)
        give(step.arguments(place))
        return 0, False

    monkeypatch.setattr(running, "_carry_out", here)
    monkeypatch.setattr("salclass_tf.config.build_config", tiny_config)
    # The report shows pictures of evaluations; those of two dozen stages take a third of the time.
    monkeypatch.setattr("salclass_tf.training.report.draw", lambda *drawn: [])
    plan = shrunk(reproduction.build_plan("demo", (3,)))  # several are evaluated in test_families
    place = Place(tmp_path, tiny_data_dir, split="test", steps=1)
    path = reproduction.run(plan, place)
    assert done == [step.name for step in plan.steps]
    text = path.read_text()
    assert "--seeds=3`" in text and "each trained once, from one seed" in text
    for step in plan.steps:
        for better, worse in step.claims:
            assert f"| {better} | {worse} |" in text
    pictures = [line for line in text.splitlines() if line.startswith("![")]
    assert len(pictures) == 3
    for line in pictures:
        assert (tmp_path / line.split("](")[1].rstrip(")")).stat().st_size > 5000
    assert "On `dotted_maps/1.0.0 test`, 6 images:" in text
    reproduction.run(plan, place)
    assert len(done) == len(plan.steps) and path.read_text() == text
