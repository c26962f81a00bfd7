"""Prepared files that are damaged or gone are named, whatever TensorFlow says of them."""

import pathlib
import shutil

import pytest

from salclass_tf.data import damage, pipeline, sets
from salclass_tf.evaluation.methods import evaluated_sets


def first_records(content, count):
    """The bytes of the first records of a file: length, its sum, content, its sum."""
    end = 0
    for _ in range(count):
        end += int.from_bytes(content[end : end + 8], "little") + 16
    return content[:end]


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def shorten(path):
    path.write_bytes(first_records(path.read_bytes(), 4))


@pytest.mark.parametrize("spoil", [cut, flip, empty, shorten, pathlib.Path.unlink])
def test_damaged_files_are_named_with_the_remedy(spoil, tiny_data_dir, tmp_path):
    shutil.copytree(pathlib.Path(tiny_data_dir) / "dotted_noise", tmp_path / "dotted_noise")
    opened = sets.open_set("dotted_noise", str(tmp_path))
    assert damage.broken_files(opened) == ()
    [test] = tmp_path.rglob("*-test.tfrecord*")
    spoil(test)
    assert damage.broken_files(opened) == (str(test),)
    source = pipeline.open_split(opened.builder, "all")
    with pytest.raises(ValueError) as raised, damage.named(opened, source, "All is saved. "):
        list(pipeline.open_split(opened.builder, "test"))
    said = str(raised.value)
    assert f"are damaged or gone: {test} (" in said and "{{" not in said and "\n" not in said
    assert said.endswith(
        f"All is saved. Remove {opened.builder.data_path}: the same command prepares the set "
        "again and goes on"
    )


@pytest.mark.parametrize("kind", damage.DATA_ERRORS)
def test_other_errors_pass(kind, tiny_data_dir):
    opened = sets.open_set("dotted_noise", tiny_data_dir)
    source = pipeline.open_split(opened.builder, "all")
    error = kind(None, None, "of a worker")
    with pytest.raises(kind), damage.named(opened, source):
        raise error


@pytest.mark.parametrize("name", ["dataset_info.json", "metadata.json"])
@pytest.mark.parametrize("spoil", [cut, empty, pathlib.Path.unlink])
def test_damaged_description_is_named_with_the_remedy(name, spoil, tiny_data_dir, tmp_path):
    if (name, spoil) == ("metadata.json", pathlib.Path.unlink):
        return  # the builder knows as much
    shutil.copytree(pathlib.Path(tiny_data_dir) / "dotted_noise", tmp_path / "dotted_noise")
    folder = tmp_path / "dotted_noise" / "1.0.0"
    spoil(folder / name)
    for open_it in (sets.find_set, evaluated_sets.open_evaluated):
        said = rf"description of a prepared set in {folder} is damaged .*remove that folder"
        with pytest.raises(ValueError, match=said):
            open_it("dotted_noise", str(tmp_path))
