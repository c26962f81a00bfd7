"""The paper's numbers, and files that differ from them."""

import dataclasses
import json
import pathlib

import pytest

from salclass_tf.recording import protocol


def test_the_default_is_the_papers_sequence():
    rules = protocol.Protocol()
    # Sec. 4: variance 10, reduced by 1 each half second, until completely de-blurred.
    assert rules.levels == tuple((0.5 * fall, 10.0 - fall) for fall in range(11))
    assert rules.duration_s == 5.5


def test_every_number_names_its_source():
    names = {field.name for field in dataclasses.fields(protocol.Protocol)}
    assert set(protocol.SOURCES) == names
    assert all(text.startswith(("paper, Sec. 4", "ours")) for text in protocol.SOURCES.values())


def test_the_page_lists_every_number_with_its_source():
    page = (pathlib.Path(__file__).parents[2] / "docs/recording.md").read_text("utf-8")
    for field in dataclasses.fields(protocol.Protocol):
        value = field.default if field.type is str else f"{field.default:g}"
        assert f"| `{field.name}` | {value} | {protocol.SOURCES[field.name]} |" in page


def test_a_step_that_does_not_divide_the_variance_still_ends_sharp():
    rules = protocol.Protocol(start_variance=1.0, variance_step=0.4, step_s=2.0)
    assert rules.levels == ((0.0, 1.0), (2.0, 0.6), (4.0, pytest.approx(0.2)), (6.0, 0.0))


def test_rounding_adds_no_level():
    rules = protocol.Protocol(start_variance=0.3, variance_step=0.1)
    assert [v for _, v in rules.levels] == pytest.approx([0.3, 0.2, 0.1, 0.0])


@pytest.mark.parametrize("task", ["free_viewing", "memory"])
def test_other_tasks_show_a_sharp_picture(task):
    rules = protocol.Protocol(task=task, viewing_s=3.0)
    assert (rules.levels, rules.duration_s) == (((0.0, 0.0),), 3.0)


def test_blur_is_the_same_share_of_every_picture():
    rules = protocol.Protocol()
    assert rules.sigma(10.0, 500) == pytest.approx(10**0.5)
    assert rules.sigma(10.0, 1000) == pytest.approx(2 * 10**0.5)


def test_a_file_changes_what_it_names(tmp_path):
    path = tmp_path / "short.json"
    path.write_text(json.dumps({"step_s": 0.25, "language": "de"}))
    rules = protocol.read_protocol(path, "classification")
    assert rules == protocol.Protocol(step_s=0.25, language="de")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "JSON"),
        ("[1]", "JSON object"),
        ('{"steps": 1}', "steps"),
        ('{"step_s": 0}', "above 0"),
        ('{"step_s": "1"}', "must be a number"),
        ('{"block_size": 2.5}', "whole number"),
        ('{"training_criterion": 1.5}', "share"),
        ('{"task": "sleeping"}', "free_viewing"),
        ('{"start_variance": 10, "variance_step": 0.01}', "100 levels"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, words):
    path = tmp_path / "wrong.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=words) as error:
        protocol.read_protocol(path)
    assert str(path) in str(error.value)
