"""Finished parts are found again while nothing that decides their numbers has changed."""

import pathlib
import shutil

import pytest

from salclass_tf.data import sets
from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet
from salclass_tf.evaluation.tables import parts
from salclass_tf.runs import package

FACTS = {"data set": "a", "method": "b"}


class Note(str):
    """A part that is a text."""

    def save(self, path):
        path.write_text(self)

    @classmethod
    def load(cls, path):
        return cls(path.read_text())


@pytest.mark.parametrize("what", ["version", "code", "format", "facts"])
def test_a_part_is_found_until_something_changes(tmp_path, monkeypatch, what):
    kept = parts.Parts(tmp_path)
    kept.keep(Note("scores"), FACTS)
    assert kept.find(Note, FACTS) == "scores"
    change = {
        "version": (package, "version", lambda: "99"),
        "code": (parts, "_code", lambda: "other"),
        "format": (parts, "FORMAT", 99),
        "facts": (parts, "FORMAT", parts.FORMAT),
    }
    monkeypatch.setattr(*change[what])
    facts = FACTS | ({"metrics": ["nss"]} if what == "facts" else {})
    assert kept.find(Note, facts) is None


def test_all_code_that_scores_is_there():
    """A folder that has been renamed would be left out without a word."""
    root = pathlib.Path(parts.__file__).parents[2]
    assert [name for name in parts._SCORING if not (root / name).exists()] == []


def test_a_set_with_other_content_of_the_same_size_is_another(tmp_path, tiny_data_dir):
    """Gaze that was corrected leaves number and size of examples as they are."""

    def facts():
        return EvaluatedSet(sets.open_set("dotted_noise", str(tmp_path)), "test", None).facts()

    folder = shutil.copytree(pathlib.Path(tiny_data_dir, "dotted_noise"), tmp_path / "dotted_noise")
    before = facts()
    assert facts() == before
    (path,) = folder.rglob("*-test.tfrecord-*")
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert facts() != before
