"""The table of roles, and that a new stage is one more row of it."""

import dataclasses
import pathlib
import re

import pytest
from tiny_config import tiny_config

import salclass_tf
from salclass_tf import config, training
from salclass_tf.config.stage import (
    CLASSIFIER,
    DETECTOR,
    ROLES,
    SCHEDULE,
    Role,
    needs_gaze,
    needs_maps,
    pretraining_of,
    role,
)
from salclass_tf.evaluation.methods import find
from salclass_tf.runs.finished_stage import FinishedStage


@pytest.fixture
def tiny():
    """A run of tiny networks on noise."""
    return tiny_config("dotted_noise", validation_share=0.25)


def test_prerequisites_of_the_papers_stages():
    paper = config.build_config("paper")
    assert {name: paper.prerequisites(name) for name in config.STAGES} == {
        "saliency_pretrain": (),
        "saliency": ("saliency_pretrain",),
        "classifier_pretrain": (),
        "classifier_rgb": ("classifier_pretrain",),
        "classifier": ("classifier_pretrain", "classifier_rgb"),
        "classifier_rgb_longer": ("classifier_rgb",),
        "joint": ("saliency", "classifier_rgb_longer", "classifier"),
    }
    assert paper.starts_from("joint") == ("saliency", "classifier")
    alone = dataclasses.replace(paper, pretrain_detector=False, compare_rgb=False)
    assert alone.prerequisites("saliency") == ()
    assert alone.prerequisites("classifier") == ("classifier_pretrain",)
    assert alone.prerequisites("joint") == ("saliency", "classifier")
    assert pretraining_of(DETECTOR) == "saliency_pretrain"
    assert pretraining_of(CLASSIFIER) == "classifier_pretrain"


def test_what_stages_read_and_train():
    assert {n for n, row in ROLES.items() if row.needs_gaze} == {
        *("saliency_pretrain", "saliency", "classifier", "joint")
    }
    assert [n for n, row in ROLES.items() if row.reads_true_map] == ["classifier"]
    assert [n for n, row in ROLES.items() if row.is_joint] == ["joint"]
    assert {n for n, row in ROLES.items() if row.trains_classifier} == {
        *("classifier_pretrain", "classifier_rgb", "classifier", "classifier_rgb_longer", "joint")
    }


def test_numbers_of_a_stage_may_make_it_learn_from_gaze(tiny):
    plain = tiny.stages["classifier_rgb"]
    cropped = dataclasses.replace(plain, crop_around="gaze")
    attending = dataclasses.replace(plain, attention_loss=0.5)
    found = [
        tuple(needs("classifier_rgb", stage) for needs in (needs_gaze, needs_maps))
        for stage in (plain, cropped, attending)
    ]
    assert found == [(False, False), (True, False), (True, True)]
    assert needs_gaze("joint", plain) and needs_maps("classifier", plain)


def test_where_crops_lie_is_part_of_the_schedule_that_twins_share():
    run = config.build_config().override("joint", {}, {"crop_around": "gaze"})
    around = {name for name, stage in run.stages.items() if stage.crop_around == "gaze"}
    assert around == {"joint", "classifier_rgb_longer"} and "crop_around" in SCHEDULE
    with pytest.raises(ValueError, match="crop_around of stage joint is one of .* got 'faces'"):
        config.build_config().override("joint", {}, {"crop_around": "faces"})


def test_unknown_stage_lists_those_that_there_are():
    with pytest.raises(ValueError, match="classifier_rgb.*joint.*got 'jiont'"):
        role("jiont")


@pytest.mark.slow
@pytest.mark.usefixtures("without_graphs")
@pytest.mark.parametrize("before", ["saliency", "joint"])
def test_new_stage_is_one_more_row(before, tiny, tiny_data_dir, tmp_path, monkeypatch):
    row = Role(
        trains=(DETECTOR,),
        title="detector, finetuned",
        method="detector {detector}, finetuned",
        starts_from=(before,),
    )
    monkeypatch.setitem(ROLES, "saliency_finetune", row)
    stage = dataclasses.replace(tiny.stages["saliency"], saliency_loss="kl")
    longer = dataclasses.replace(tiny, stages=tiny.stages | {"saliency_finetune": stage})
    results = training.run(longer, "saliency_finetune", tmp_path, tiny_data_dir)
    needed = {"saliency": ["saliency"], "joint": ["saliency", "classifier", "joint"]}[before]
    assert list(results) == [*needed, "saliency_finetune"]
    facts = results["saliency_finetune"]
    assert facts["steps"] == 1 and facts["test"]["mse"] is not None and facts["centre_bias"]
    assert list(facts["made_from"]) == [before]
    assert (tmp_path / "saliency_finetune" / "examples.png").is_file()
    settings = FinishedStage(tmp_path / "saliency_finetune").settings
    assert settings["stage"]["saliency_loss"] == "kl" and "classifier" not in settings
    methods = find.find(str(tmp_path))
    assert "detector vgg16, finetuned" in [method.name for method in methods]


def test_no_module_tells_stages_by_parts_of_their_names():
    forbidden = re.compile(
        r'startswith\("(saliency|classifier)|endswith\("_pretrain|"(saliency|classifier)" in '
        r'(stage|name|self\.stage)\b|(stage|name) [!=]= "(joint|classifier|saliency_pretrain)'
    )
    root = pathlib.Path(salclass_tf.__file__).parent
    found = [
        f"{path}: {line}"
        for path in root.rglob("*.py")
        for line in path.read_text().splitlines()
        if forbidden.search(line)
    ]
    assert not found
