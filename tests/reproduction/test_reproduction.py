"""The reproduction: what is planned, and the whole of the demo's plan at a tiny size."""

import dataclasses
import pathlib
import subprocess
import sys

import pytest

from salclass_tf import reproduction
from salclass_tf.config import PRESETS
from salclass_tf.evaluation import paper_figures
from salclass_tf.evaluation.tables import published
from salclass_tf.reproduction import carrying_out, marks, report, running
from salclass_tf.reproduction.steps import (
    Draw,
    Place,
    Plan,
    Prepare,
    Release,
    Step,
    Sweep,
    Tables,
    Train,
)
from salclass_tf.training import stages

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEFORE = "SalClassNet's detector before joint training"


@pytest.fixture(params=PRESETS)
def plan(request) -> Plan:
    return reproduction.build_plan(request.param)


def needed(plan: Plan, step: Step) -> list[Step]:
    """All steps that a step needs, through others too."""
    by_name = {one.name: one for one in plan.steps}
    found = [by_name[name] for name in step.needs]
    return found + [further for one in found for further in needed(plan, one)]


def made(step: Step) -> set[str]:
    """The files and folders of networks that a step leaves in the work folder."""
    match step.work:
        case Train(run=run, stage=stage, config=config):
            return {run} | {f"{run}/{name}" for name in stages.order(config, stage)}
        case Release(detectors=names):
            return {f"released/{name}.keras" for name in names}
        case Sweep(run=run):
            return {f"{run}/sweep"}
    return set()


def read(work) -> set[str]:
    """The files and folders that the work of a step takes."""
    match work:
        case Train(shared=shared):
            return {f"{run}/{stage}" for run, stage in shared}
        case Sweep(run=run):
            return {f"{run}/saliency", f"{run}/classifier"}
        case Draw(figure="4", models=[(_, run)]):
            return {f"{run}/sweep"}
        case Tables(models=models) | Draw(models=models):
            return {path for _, path in models}
    return set()


def test_each_step_comes_after_those_that_make_what_it_takes(plan):
    names = [step.name for step in plan.steps]
    logs = {marks.log_path(step, 1, Place(pathlib.Path())) for step in plan.steps}
    assert len(logs) == len(set(names)) == len(names)
    for number, step in enumerate(plan.steps):
        before = needed(plan, step)
        assert {one.name for one in before} <= set(names[:number])
        taken, there = read(step.work), set().union(*map(made, before))
        assert taken <= there, step.name
        assert not isinstance(step.work, Tables | Draw) or taken


def test_all_data_sets_are_prepared_first(plan):
    prepared, used = set(plan.steps[0].work.datasets), set()
    for step in plan.steps[1:]:
        assert plan.steps[0] in needed(plan, step)
        match step.work:
            case Train(config=config, stage=stage):
                used |= {config.stages[name].dataset for name in stages.order(config, stage)}
            case Tables(datasets=names) | Draw(datasets=names):
                used |= set(names)
    assert prepared == used


def test_paper_is_reproduced_in_full(plan):
    tables = [number for step in plan.steps for number in getattr(step.work, "tables", ())]
    drawn = [step.work.figure for step in plan.steps if isinstance(step.work, Draw)]
    assert (tables, drawn) == ([4, 5, 6], ["3", "4", "5"])
    assert set(drawn) <= set(paper_figures.FIGURES) and set(drawn) == set(report._CAPTIONS)
    configs = [step.work.config for step in plan.steps if isinstance(step.work, Train | Sweep)]
    assert {config.preset for config in configs} == {plan.preset}
    assert {config.classifier for config in configs} == {"inception_v3", "vgg19"}
    assert {config.detector for config in configs} == {"vgg19", "salnet", "salicon"}


def test_methods_have_the_names_that_the_paper_gives_them(plan):
    for work in (step.work for step in plan.steps if isinstance(step.work, Tables)):
        [number] = work.tables
        rows = published.rows(number)
        printed = {row.method: row.values for row in rows if row.dataset == rows[0].dataset}
        models = [name for name, _ in work.models]
        # Table 4 has people besides, and our detector before the class error has reached it.
        assert set(models) ^ set(printed) <= {"Human Baseline", BEFORE}
        assert len(set(models)) == len(models) and work.claims
        for claim in work.claims:
            assert {claim.better, claim.worse} <= set(models)
            better, worse = (printed[name] for name in (claim.better, claim.worse))
            assert better and all(better[name] > worse[name] for name in better)


def test_every_step_of_the_demo_has_a_time_and_the_try_out_is_noted():
    plan = reproduction.build_plan("demo", max_steps=3)
    assert plan.max_steps == 3
    assert 30 < sum(step.minutes for step in plan.steps) < 90
    configs = [step.work.config for step in plan.steps if isinstance(step.work, Train | Sweep)]
    assert {config.max_steps for config in configs} == {3}
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
    marks.begin(plan.steps[0], place)
    assert "done" not in reproduction.outline(plan, place)
    marks.add_time(plan.steps[0], place, 1)
    marks.finish(plan.steps[0], place)
    lines = reproduction.outline(plan, place).splitlines()
    assert "  1  done " in lines[1] and "  2  to do" in lines[2]
    assert (
        lines[-1] == f"about {everything - plan.steps[0].minutes:g} minutes to go on two slow cores"
    )


@pytest.mark.parametrize(
    ("flags", "code", "named"),
    [
        (("--dry_run",), 0, "trains salclassnet/joint (vgg19, inception_v3)"),
        (("--dry_run", "--preset=paper"), 0, "prepares saldogs, poet, salbirds, salflowers"),
        (("--preset=tiny",), 1, "paper"),
        (("--steps=0",), 2, "steps must be above 0; got 0"),
        (("demo",), 2, "--name=value"),
    ],
)
def test_script(tmp_path, flags, code, named):
    command = [sys.executable, str(ROOT / "reproduce.py"), f"--workdir={tmp_path}/run", *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == code, done.stderr
    assert named in (done.stderr if code else done.stdout)
    assert "Traceback" not in done.stderr and not (tmp_path / "run").exists()


def test_another_split_changes_tables_and_figures_alone(plan):
    first, other = (Place(pathlib.Path("x"), split=split) for split in (None, "test[:9]"))
    changed = {s.name for s in plan.steps if s.fingerprint(first) != s.fingerprint(other)}
    assert changed == {s.name for s in plan.steps if isinstance(s.work, Tables | Draw)}
    elsewhere = dataclasses.replace(first, workdir=pathlib.Path("y"), data_dir="sets")
    assert all(step.fingerprint(first) == step.fingerprint(elsewhere) for step in plan.steps)


def shrunk(plan: Plan) -> Plan:
    """The same steps with tiny networks on pictures of noise."""
    steps = (dataclasses.replace(step, work=_shrunk(step.work)) for step in plan.steps)
    return dataclasses.replace(plan, steps=tuple(steps))


def _shrunk(work):
    changes = {}
    if isinstance(work, Prepare | Tables | Draw):
        # The second set of Table 4 has neither fixations nor classes.
        changes["datasets"] = ("dotted_noise", "dotted_maps")[: min(2, len(work.datasets))]
    if isinstance(work, Train | Sweep):
        changes["config"] = _shrunk_config(work.config)
    if isinstance(work, Sweep):
        changes["alphas"] = (0.0, work.config.alpha)
    return dataclasses.replace(work, **changes)


def _shrunk_config(config):
    numbers = {"dataset": "dotted_noise", "epochs": 1, "batch_size": 4, "geometry": None}
    stages = {name: dataclasses.replace(s, **numbers) for name, s in config.stages.items()}
    inception = config.classifier == "inception_v3"
    return dataclasses.replace(
        config,
        stages=stages,
        classifier="vgg16" if inception else config.classifier,
        classifier_weights=None,
        width=1 / 64,
        image_size=64,
        short_side=72,
        precision="float32",
    )


@pytest.mark.slow
def test_whole_plan_of_the_demo_ends_in_a_report(tmp_path, tiny_data_dir, monkeypatch):
    done = []

    def here(step, place, log):
        done.append(step.name)
        carrying_out.carry_out(step.work, place)

    monkeypatch.setattr(running, "_carry_out", here)
    plan = shrunk(reproduction.build_plan("demo", max_steps=1))
    place = Place(tmp_path, tiny_data_dir, split="test")
    path = reproduction.run(plan, place)
    assert done == [step.name for step in plan.steps]
    text = path.read_text()
    claims = [c for s in plan.steps if isinstance(s.work, Tables) for c in s.work.claims]
    for claim in claims:
        assert f"| {claim.better} | {claim.worse} |" in text
    pictures = [line for line in text.splitlines() if line.startswith("![")]
    assert len(pictures) == 3
    for line in pictures:
        assert (tmp_path / line.split("](")[1].rstrip(")")).stat().st_size > 5000
    assert "On `dotted_maps/1.0.0 test`, 6 images:" in text
    reproduction.run(plan, place)
    assert len(done) == len(plan.steps) and path.read_text() == text
