"""What identifies a data set: it changes with the content, and with nothing else."""

import pathlib
import shutil

import pytest
from dotted_sets import DottedNoise

from salclass_tf.data import sets
from salclass_tf.data.set_record import SetRecord, class_differences

THREE = ("red", "green", "blue")


@pytest.fixture
def moved(tiny_data_dir, tmp_path):
    """The prepared set of noise in another data folder."""
    shutil.copytree(tiny_data_dir, tmp_path / "moved")
    return tmp_path / "moved"


def record(data_dir, share=0.25):
    return sets.open_set("dotted_noise", str(data_dir)).record(share)


def test_record_says_name_version_splits_classes_and_content(tiny_data_dir):
    known = record(tiny_data_dir)
    assert known.full_name == "dotted_noise/1.0.0"
    assert (known.train_split, known.test_split) == ("train[:9]", "test")
    assert known.class_names == THREE and len(known.fingerprint) == 64
    assert SetRecord.from_json(known.to_json() | {"of a later version": 1}) == known


def test_place_of_the_files_does_not_count(tiny_data_dir, moved):
    assert record(moved) == record(tiny_data_dir)
    assert record(moved).differences(record(tiny_data_dir, share=0.0)) == []


def test_content_counts(tiny_data_dir, tmp_path):
    class Other(DottedNoise, skip_registration=True):
        name = "dotted_noise"

        def _generate_examples(self, split, count):
            for index, example in super()._generate_examples(split, count):
                example["fixations"]["duration_ms"] = [201.0 if index == 0 else 200.0]
                yield index, example

    Other(data_dir=tmp_path).download_and_prepare()
    [line] = record(tiny_data_dir).differences(record(tmp_path))
    assert line.startswith("  content of dotted_noise/1.0.0: ")


@pytest.mark.parametrize("change", ["longer", "flipped"])
def test_each_file_counts(tiny_data_dir, moved, change):
    [path] = moved.rglob("dotted_noise-test.tfrecord*")
    content = path.read_bytes()
    path.write_bytes(
        content + b"x" if change == "longer" else content[:-1] + bytes([content[-1] ^ 1])
    )
    assert record(moved).differences(record(tiny_data_dir))


def test_set_with_a_file_gone_has_no_fingerprint_and_is_compared_by_the_rest(tiny_data_dir, moved):
    [path] = moved.rglob("dotted_noise-test.tfrecord*")
    pathlib.Path(path).unlink()
    assert record(moved).fingerprint is None
    assert record(moved).differences(record(tiny_data_dir)) == []


def test_peek_prepares_nothing(tmp_path):
    assert sets.peek("dotted_noise", str(tmp_path)) == SetRecord("dotted_noise/1.0.0")
    assert sets.peek("no_such_set", str(tmp_path)) == SetRecord()
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="--manual_dir must be an existing folder"):
        sets.peek("dotted_noise", str(tmp_path), str(tmp_path / "nowhere"))


def test_another_name_or_version_is_one_line():
    one = SetRecord("birds/1.0.0", "train", "test", "a" * 64, None, THREE)
    other = SetRecord("birds/1.1.0", "train", "test", "b" * 64, None, THREE)
    assert one.differences(other) == ["  data set: birds/1.0.0 there, birds/1.1.0 here"]


@pytest.mark.parametrize(
    ("here", "line"),
    [
        (THREE, None),
        ((), None),
        (
            ("red", "blue", "green"),
            "the same in another order; number 1 is 'green' there, 'blue' here",
        ),
        (("red", "green", "pink"), "others; number 2 is 'blue' there, 'pink' here"),
        ((*THREE, "pink"), "3 there, 4 here"),
    ],
)
def test_classes_are_compared_in_order(here, line):
    assert class_differences(THREE, here) == ([f"  classes: {line}"] if line else [])
