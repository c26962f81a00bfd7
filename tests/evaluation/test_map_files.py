"""Files of maps of other programs: forms that are read, mistakes that are named."""

import json
import types
import unicodedata

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from map_files import write_maps

from salclass_tf import hdf5_maps
from salclass_tf.evaluation.methods import hdf5_files, map_files, map_folders, map_kinds, map_names
from salclass_tf.evaluation.tables import paper
from salclass_tf.evaluation.tables.paper import Settings

GREY = np.random.default_rng(0).integers(1, 256, (44, 52)).astype(np.uint8)


def written(path, mode):
    """The grey picture in a file of a mode of Pillow's."""
    image = PIL.Image.fromarray(GREY)
    if mode == "I;16":
        image = PIL.Image.fromarray(GREY.astype(np.uint16) * 257)
    elif mode == "P":
        image = image.quantize(256)
    else:
        image = image.convert(mode)
    image.save(path)
    return path


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "I;16"])
def test_grey_is_read_whatever_the_mode(mode, tmp_path):
    found = map_files.read(written(tmp_path / "a.png", mode))
    np.testing.assert_array_equal(found, GREY * (257.0 if mode == "I;16" else 1.0))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_is_read(mode, tmp_path):
    smooth = np.add.outer(np.arange(44), 2 * np.arange(52)).astype(np.uint8)
    PIL.Image.fromarray(smooth).convert(mode).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(map_files.read(tmp_path / "a.jpg") - smooth).max() <= 4


def test_log_of_a_probability_of_0_is_read(tmp_path):
    density = np.arange(6.0).reshape(2, 3) / 15
    with np.errstate(divide="ignore"):
        np.save(tmp_path / "a.npy", np.log(density))
    found = map_files.read(tmp_path / "a.npy")
    assert map_kinds.detect(found) == "log_density"
    np.testing.assert_allclose(np.exp(found), density, rtol=1e-14)
    np.save(tmp_path / "a.npy", np.full((2, 3), -np.inf))
    with pytest.raises(ValueError, match="must hold finite numbers"):
        map_files.read(tmp_path / "a.npy")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_of_maps_may_be_written_in_another_way(form, tmp_path):
    path = tmp_path / f"{unicodedata.normalize(form, 'café')}.npy"
    np.save(path, np.ones((2, 3)))
    for name in ("cafe\u0301", "caf\u00e9"):
        dataset = types.SimpleNamespace(gaze=[name], title="a set")
        assert map_folders._paths(tmp_path, dataset) == {name: path}
        assert map_names.find({path.stem: path.stem}, [name], "", "") == {name: path.stem}


@pytest.mark.parametrize("ending", ["NPY", "jpg.Npy"])
def test_ending_may_be_in_capitals(ending, tmp_path):
    (tmp_path / "cats").mkdir()
    with open(tmp_path / f"cats/1.2.{ending}", "wb") as file:
        np.save(file, GREY)
    dataset = types.SimpleNamespace(name="a", title="a", gaze=["cats/1.2.jpg"], view="whole")
    (folder,) = map_folders.from_folder(tmp_path)
    batch = {"image_id": tf.constant(["cats/1.2.jpg"]), "size": tf.constant([GREY.shape])}
    np.testing.assert_array_equal(folder.load(dataset)(batch)["saliency"][0, ..., 0], GREY)


@pytest.mark.parametrize(
    ("places", "image", "place"),
    [
        (["12.npy", "13.npy"], "cats/12.jpg", "12.npy"),
        (["cats/12.npy", "12.npy"], "cats/12", "cats/12.npy"),
        (["12.jpg.npy", "12.png", "12.png.png"], "12.png", "12.png.png"),
        (["other_set/12.npy"], "12", None),
    ],
)
def test_maps_in_folders_are_found_by_the_end_of_their_names(places, image, place, tmp_path):
    for path in places:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    dataset = types.SimpleNamespace(name="x", title="x", gaze=[image], view="whole")
    if place is None:
        with pytest.raises(ValueError, match="lacks the maps of 1 of 1 images of x"):
            map_folders._paths(tmp_path, dataset)
    else:
        assert map_folders._paths(tmp_path, dataset) == {image: tmp_path / place}


@pytest.mark.parametrize("form", ["folder", "file"])
def test_a_log_density_among_maps_is_not_scored_as_one_of_them(form, tmp_path):
    density = GREY / GREY.sum()
    both = {"a": density, "b": np.log(density)}
    for name, values in both.items():
        np.save(tmp_path / f"{name}.npy", values)
    path = tmp_path if form == "folder" else tmp_path / "maps.h5"
    if form == "file":
        with hdf5_maps.write(path) as add:
            for name, values in both.items():
                add(name, values)
    read = map_folders.from_folder if form == "folder" else hdf5_files.from_file
    dataset = types.SimpleNamespace(name="x", title="x", gaze=["b"], view="whole")
    batch = {"image_id": tf.constant(["b"]), "size": tf.constant([GREY.shape])}
    with pytest.raises(ValueError, match="b.*: this is a log density, and the first map"):
        read(path)[0].load(dataset)(batch)
    (named,) = read(path, "map")
    np.testing.assert_array_equal(named.load(dataset)(batch)["saliency"][0, ..., 0], both["b"])


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("a.png", np.stack([GREY, GREY, 255 - GREY], -1), "must be grey; its red.* differ by up"),
        ("a.png", np.dstack([GREY, GREY, GREY, GREY]), "must be opaque"),
        ("a.png", np.zeros((44, 52), np.uint8), "the map is 0 everywhere"),
        ("a.npy", np.zeros((44, 52)), "the map is 0 everywhere"),
        ("a.npy", np.full((44, 52), np.nan), "must hold finite numbers"),
        ("a.npy", np.zeros((44, 52, 3)), r"must be \[h, w\]"),
        ("a.png", b"no picture", "cannot identify"),
        ("a.npy", b"", "No data left|EOF"),
    ],
)
def test_what_is_no_map_is_named_with_its_rule(name, content, rule, tmp_path):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif name.endswith(".npy"):
        np.save(path, content)
    else:
        PIL.Image.fromarray(content).save(path)
    with pytest.raises(ValueError, match=f"{name}: .*({rule})"):
        map_files.read(path)


def test_each_folder_with_a_mistake_is_named_and_the_others_are_scored(tmp_path, tiny_data_dir):
    folders = {
        name: write_maps(tmp_path / name, tiny_data_dir)
        for name in ("good", "fewer", "twice", "turned", "first_broken")
    }
    for number in ("2", "4"):
        (folders["fewer"] / f"{number}.npy").unlink()
    written(folders["twice"] / "3.png", "L")
    np.save(folders["turned"] / "3.npy", np.ones((52, 44)))
    (folders["first_broken"] / "0.npy").write_bytes(b"")
    settings = Settings(
        tuple(f"{name}={folder}" for name, folder in folders.items()),
        ("dotted_noise",),
        (4,),
        output=tmp_path / "out",
        data_dir=tiny_data_dir,
        measures=("nss",),
    )
    with pytest.raises(ValueError, match="the tables lack 4 parts") as mistake:
        paper.run(settings)
    for said in (
        "fewer lacks the maps of 2 of 6 images of dotted_noise/1.0.0 test, the first is '[24]'",
        "twice has several maps for 1 of 6 images .* 3.npy and 3.png: keep one",
        "3.npy: the map must have the size of its image, 44 x 52 .*got 52 x 44",
        r"first_broken/0.npy: ",
    ):
        assert mistake.match(f"(?s).*{said}")
    rows = json.loads((tmp_path / "out" / "table4.json").read_text())["rows"]
    methods = [row["labels"]["method"] for row in rows]
    assert "good" in methods and not folders.keys() - {"good"} & set(methods)
