"""Predictions: which images are found, what is written about them, what is skipped."""

import csv
import dataclasses
import json
import os
import pathlib
import shutil

import commands
import finished_stages
import numpy as np
import PIL.Image
import pytest
import scipy.ndimage
import tensorflow as tf
from encoded_images import REFUSED, VALID, encoded, noise
from served_answers import GEOMETRY, expected_answers

from salclass_tf import prediction, serving
from salclass_tf.prediction import job, outputs, painting
from salclass_tf.serving import trained

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A run with a finished joint stage, its classes named as training names them."""
    folder = tmp_path_factory.mktemp("run")
    finished_stages.write_stage(folder, "joint")
    path = folder / "joint" / "metrics.json"
    names = {"class_names": list(finished_stages.CLASSES)}
    path.write_text(json.dumps(json.loads(path.read_text()) | names))
    return folder


@pytest.fixture(scope="module")
def model(workdir):
    return prediction.load_run(workdir, max_pixels=1_000_000)


@pytest.fixture
def photos(tmp_path):
    """A folder with an image of each kind, in this order."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, (kind, image) in enumerate(VALID.items()):
        ending = kind.split()[-1] if kind.split()[-1] in ("png", "gif", "bmp") else "jpg"
        (folder / f"{number:02}.{ending}").write_bytes(image)
    return folder


def read_tables(out_dir):
    with (out_dir / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads((out_dir / "predictions.json").read_text())


def map_on_image(saliency, size):
    """A map of the central crop on an image of (h, w), by SciPy."""
    size = np.array(size)
    shorter = size.min()
    resized = (size * GEOMETRY.short_side + shorter // 2) // shorter
    corner = (resized - GEOMETRY.image_size) // 2
    places = [
        (np.arange(n) + 0.5) * r / n - 0.5 - c
        for n, r, c in zip(size, resized, corner, strict=True)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    inside = np.all([(g > 0) & (g < GEOMETRY.image_size - 1) for g in grid], axis=0)
    return scipy.ndimage.map_coordinates(saliency, grid, order=1), inside


@pytest.mark.parametrize("source", ["run", "export"])
def test_tables_and_maps_are_what_evaluation_says(workdir, model, photos, tmp_path, source):
    if source == "export":
        serving.export(workdir, "joint", tmp_path / "gaze", serving.Settings())
        model = prediction.load_export(tmp_path / "gaze")
        assert str(tmp_path / "gaze" / "1") in model.name
    found = prediction.find_images([str(photos)], tmp_path / "out")
    done = prediction.predict(model, found, tmp_path / "out", batch_size=4, view="crop")
    assert done == job.Summary(len(VALID), 0)
    rows, content = read_tables(tmp_path / "out")
    probabilities, saliency = expected_answers(
        finished_stages.build_network("joint"), list(VALID.values())
    )
    assert content["model"] == model.name and "dotted_noise" in model.name
    for row, entry, path, image, odds, crop in zip(
        rows, content["predictions"], found, VALID.values(), probabilities, saliency, strict=True
    ):
        order = np.argsort(-odds)[:5]
        assert row["image"] == entry["image"] == str(path) and row["error"] == ""
        assert [row[f"class_{i}"] for i in range(1, 6)] == [
            finished_stages.CLASSES[i] for i in order
        ]
        kept = [float(row[f"probability_{i}"]) for i in range(1, 6)]
        np.testing.assert_allclose(kept, odds[order], atol=1e-5)
        assert kept == [one["probability"] for one in entry["classes"]]
        shape = tf.io.decode_image(image, channels=3, expand_animations=False).shape[:2]
        assert (int(row["height"]), int(row["width"])) == tuple(shape)
        drawn = np.load(tmp_path / "out" / row["map"])
        expected, inside = map_on_image(crop[..., 0], shape)
        assert drawn.shape == tuple(shape) and drawn.dtype == np.float32
        assert float(row["map_peak"]) == pytest.approx(drawn.max())
        if min(shape) >= GEOMETRY.short_side:  # else each pixel is a mean of several
            limit = 1e-3 * np.abs(crop).max()
            np.testing.assert_allclose(drawn[inside], expected[inside], atol=limit)
        with PIL.Image.open(tmp_path / "out" / row["overlay"]) as overlay:
            assert overlay.mode == "RGB" and max(overlay.size) >= 480


def test_overlays_are_jpeg_or_left_out_on_request(model, photos, tmp_path):
    found = sorted(photos.glob("*.png"))
    for kind in outputs.OVERLAYS:
        prediction.predict(model, found, tmp_path / kind, overlays=kind)
    for row, exact in zip(
        *(read_tables(tmp_path / kind)[0] for kind in ("jpeg", "png")), strict=True
    ):
        with PIL.Image.open(tmp_path / "jpeg" / row["overlay"]) as overlay:
            assert overlay.format == "JPEG"
            pixels = np.asarray(overlay).astype(np.float64)
        painted = np.asarray(PIL.Image.open(tmp_path / "png" / exact["overlay"]))
        assert np.abs(pixels - painted).mean() < 8
    rows, _ = read_tables(tmp_path / "none")
    assert [row["overlay"] for row in rows] == [""] * len(found)
    assert not (tmp_path / "none" / "overlays").exists()
    assert all((tmp_path / "none" / row["map"]).is_file() for row in rows)


def test_no_overlay_of_another_format_is_left(model, photos, tmp_path):
    found = sorted(photos.glob("*.png"))[:2]
    other = tmp_path / "overlays" / "other.jpg"  # of an image that is not predicted again
    for kind, ending in (("jpeg", "jpg"), ("png", "png"), ("jpeg", "jpg"), ("none", None)):
        prediction.predict(model, found, tmp_path, overlays=kind)
        other.touch()
        expected = {f"{path.stem}.{ending}" for path in found if ending} | {other.name}
        assert {path.name for path in other.parent.iterdir()} == expected


def test_16_bit_map_is_the_map_from_its_lowest_value_to_its_peak(model, photos, tmp_path):
    found = sorted(photos.glob("*.png"))
    for kind in ("npy", "png"):
        prediction.predict(model, found, tmp_path / kind, kind)
    rows, _ = read_tables(tmp_path / "png")
    levels, lowest = set(), []
    for row, path in zip(rows, found, strict=True):
        drawn = np.asarray(PIL.Image.open(tmp_path / "png" / row["map"])).astype(np.float64)
        exact = np.load(tmp_path / "npy" / "maps" / f"{path.stem}.npy")
        low, peak = min(float(row["map_low"]), 0), float(row["map_peak"])
        step = (peak - low) / 65535
        np.testing.assert_allclose(low + drawn * step, exact, atol=step)
        levels |= set(np.unique(drawn))
        lowest.append(low)
    assert len(levels) > 1000 and min(lowest) < 0


def test_map_without_any_height_is_black():
    for values in (np.zeros((4, 5), np.float32), np.full((4, 5), -1, np.float32)):
        assert not outputs.as_16_bits(values).any()


def test_what_does_not_decode_is_skipped_and_listed(model, photos, tmp_path, caplog):
    bad = {
        "05-text.jpg": REFUSED["text"],
        "06-empty.png": b"",
        "07-cut.jpg": VALID["jpeg"][:-200],
        "08-large.png": REFUSED["png of 20000 x 20000"],
        "09-webp.webp": REFUSED["webp"],
    }
    for name, content in bad.items():
        (photos / name).write_bytes(content)
    (photos / "10-gone.jpg").symlink_to(photos / "nowhere")
    os.mkfifo(photos / "11-pipe.jpg")
    (photos / "notes.txt").write_text("no image by its name")
    found = prediction.find_images([str(photos)], tmp_path / "out")
    done = prediction.predict(model, found, tmp_path / "out", batch_size=6)
    assert done == job.Summary(len(VALID), len(bad) + 2)
    rows, content = read_tables(tmp_path / "out")
    errors = {pathlib.Path(row["image"]).name: row["error"] for row in rows if row["error"]}
    assert set(errors) == {*bad, "10-gone.jpg", "11-pipe.jpg"}
    assert errors["05-text.jpg"] == "image_bytes must be a JPEG, PNG, GIF or BMP image"
    assert "1000000 pixels" in errors["08-large.png"] and "20000" in errors["08-large.png"]
    assert errors["10-gone.jpg"] == "No such file or directory"
    assert errors["11-pipe.jpg"] == "no regular file"  # and was not waited for
    for text in errors.values():
        assert not {"{", "[", "\n"} & set(text) and "Graph" not in text and len(text) > 10
    assert [row["image"] for row in rows] == [str(path) for path in found]
    assert [one["error"] or "" for one in content["predictions"]] == [row["error"] for row in rows]
    assert len(list((tmp_path / "out" / "maps").iterdir())) == len(VALID)


class Broken:
    """Answers as the network does, but the third picture's answer holds a number that is none."""

    def __init__(self, answered, broken):
        self._answered, self._broken, self._asked = answered, broken, 0
        self.shown = "as it is"

    def __call__(self, image):
        out = self._answered(image).numpy()
        self._asked += 1
        if self._asked == 3:
            out[out.shape[0] // 2] = self._broken
        return tf.constant(out)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("map_format", outputs.MAP_FORMATS)
def test_map_that_is_not_finite_ends_no_job(model, photos, tmp_path, broken, map_format):
    found = sorted(photos.glob("*.png"))[:2] + sorted(photos.glob("*.jpg"))[:2]
    one = dataclasses.replace(model, open_whole=lambda: Broken(model.whole, broken))
    done = prediction.predict(one, found, tmp_path, map_format, batch_size=4)
    assert done == job.Summary(3, 1)
    rows, content = read_tables(tmp_path)
    assert [row["error"] for row in rows] == ["", "", "the map is not finite", ""]
    assert [row["map_peak"] == "" for row in rows] == [False, False, True, False]
    assert content["predictions"][2]["map"] is None and not rows[2]["overlay"]


def test_probabilities_that_are_not_finite_end_no_job(model, photos, tmp_path):
    class Undecided:
        structured_outputs = model.signature.structured_outputs

        def __call__(self, **images):
            out = dict(model.signature(**images))
            return out | {"top_probabilities": out["top_probabilities"] * np.float32(np.nan)}

    one = dataclasses.replace(model, signature=Undecided())
    assert prediction.predict(one, sorted(photos.glob("*.png"))[:1], tmp_path).skipped == 1
    [row], _ = read_tables(tmp_path)
    assert row["error"] == "the probabilities are not finite"


def test_batches_do_not_change_answers(model, photos, tmp_path):
    found = prediction.find_images([str(photos)], tmp_path)
    for size in (1, 5):
        prediction.predict(model, found, tmp_path / str(size), "npy", batch_size=size)
    for path in (tmp_path / "1" / "maps").iterdir():
        one, other = np.load(path), np.load(tmp_path / "5" / "maps" / path.name)
        np.testing.assert_allclose(one, other, atol=1e-5 * max(np.abs(one).max(), 1))


def names(*places):
    root = pathlib.Path("/photos")
    return outputs.names([root / place for place in places], root)


def test_images_keep_their_folders_and_apart():
    assert names("Action/001.jpg", "Art/001.jpg") == ["Action/001", "Art/001"]
    # Evaluation looks for the map of cat.png as cat.png.npy, too.
    assert names("cat.jpg", "cat.png", "dog.png") == ["cat.jpg", "cat.png", "dog"]
    assert names("a/cat.jpg", "a/CAT.gif", "b/cat.jpg") == ["a/cat.jpg", "a/CAT.gif", "b/cat"]
    assert names("a.jpg", "a.png", "a.jpg.png") == ["a.jpg", "a.png", "a.jpg.png"]
    assert names("cat.png", "CAT.PNG") == ["cat.png", "CAT.PNG-2"]
    with pytest.raises(ValueError, match="in or below /photos; got /photos/../a.png"):
        names("../a.png")
    long = names("ü" * 115 + ".png", "ü" * 116 + ".png")
    assert long == ["ü" * 100, "ü" * 100 + "-2"]


def test_folders_that_are_named_decide_where_names_begin(model, tmp_path, monkeypatch):
    for place in ("in/Action/001.jpg", "in/Art/001.jpg", "more/001.jpg"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(encoded(noise(50, 60), "PNG"))
    monkeypatch.chdir(tmp_path)
    for arguments, folder in (
        (["in"], "in"),
        (["in/Action"], "in/Action"),
        (["in", "more"], "."),
        (["in/**/*.jpg"], "in"),
        (["in/Action/001.jpg", "in/Art/001.jpg"], "in"),
    ):
        assert prediction.common_folder(arguments) == (tmp_path / folder).resolve()
    found = prediction.find_images(["in/Action"], "out")
    prediction.predict(model, found, "out", root=prediction.common_folder(["in"]))
    [row], _ = read_tables(tmp_path / "out")
    assert (row["map"], row["overlay"]) == ("maps/Action/001.npy", "overlays/Action/001.png")
    assert np.load(tmp_path / "out" / row["map"]).shape == (50, 60)


def test_exif_orientation_is_ignored_as_in_exports(model, tmp_path):
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    for name, options in (("plain", {}), ("turned", {"exif": turned})):
        (tmp_path / f"{name}.jpg").write_bytes(encoded(noise(61, 90), "JPEG", **options))
    prediction.predict(model, sorted(tmp_path.glob("*.jpg")), tmp_path / "out")
    for kind, ending in (("maps", "npy"), ("overlays", "png")):
        plain, other = (tmp_path / "out" / kind / f"{n}.{ending}" for n in ("plain", "turned"))
        assert plain.read_bytes() == other.read_bytes()


def test_networks_of_one_kind_write_what_they_know(tmp_path):
    (tmp_path / "one.png").write_bytes(VALID["png"])
    for stage in ("saliency", "classifier_rgb"):
        finished_stages.write_stage(tmp_path / "run", stage)
        names = tmp_path / "run" / "names.txt"
        one = prediction.load_run(tmp_path / "run", stage, class_names=names)
        prediction.predict(one, [tmp_path / "one.png"], tmp_path / stage)
    (detected,), _ = read_tables(tmp_path / "saliency")
    (classified,), _ = read_tables(tmp_path / "classifier_rgb")
    assert "class_1" not in detected and detected["map"] == "maps/one.npy"
    assert classified["class_1"] in finished_stages.CLASSES and classified["map"] == ""
    assert not (tmp_path / "classifier_rgb" / "maps").exists()
    assert (tmp_path / "classifier_rgb" / classified["overlay"]).is_file()


def test_detector_makes_no_map_of_the_crop_that_nobody_reads(tmp_path):
    finished_stages.write_stage(tmp_path / "run", "saliency")
    detector = prediction.load_run(tmp_path / "run", "saliency", max_pixels=1_000_000)

    class Silent:
        structured_outputs = detector.signature.structured_outputs

        def __call__(self, **_):
            pytest.fail("the crop's map was asked for")

    silent = dataclasses.replace(detector, signature=Silent())
    bad = {"cut.jpg": VALID["jpeg"][:-200], "large.png": REFUSED["png of 20000 x 20000"]}
    for name, content in (bad | {"one.png": VALID["png"], "text.jpg": REFUSED["text"]}).items():
        (tmp_path / name).write_bytes(content)
    found = [tmp_path / name for name in ("cut.jpg", "large.png", "one.png", "text.jpg")]
    assert prediction.predict(silent, found, tmp_path / "silent") == job.Summary(1, 3)
    prediction.predict(detector, found, tmp_path / "crop", view="crop")
    reasons = [[row["error"] for row in read_tables(tmp_path / n)[0]] for n in ("silent", "crop")]
    assert reasons[0] == reasons[1] and "1000000 pixels" in reasons[0][1]
    with pytest.raises(pytest.fail.Exception, match="asked for"):
        prediction.predict(silent, found, tmp_path / "crop", view="crop")


def test_failure_leaves_nothing_half_written(model, photos, tmp_path, monkeypatch):
    out_dir = tmp_path / "out"
    found = prediction.find_images([str(photos)], out_dir)
    prediction.predict(model, found[:1], out_dir)
    original, calls = pathlib.Path.write_bytes, []

    def full(path, content):
        calls.append(path)
        if len(calls) > 5:
            original(path, content[: len(content) // 2])
            raise OSError("no space left on device")
        return original(path, content)

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        prediction.predict(model, found, out_dir, batch_size=2)
    left = [path for path in out_dir.rglob("*") if path.is_file()]
    assert left and all(path.parent.name in ("maps", "overlays") for path in left)
    for path in left:
        np.load(path) if path.suffix == ".npy" else PIL.Image.open(path).load()


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no /dev/full here")
def test_tables_on_a_full_disk_are_named_and_leave_nothing(model, tmp_path, monkeypatch):
    opened = pathlib.Path.open

    def full(path, *mode, **options):
        opened(path, *mode, **options).close()
        return opened(pathlib.Path("/dev/full"), *mode, **options)  # complains when it is closed

    with monkeypatch.context() as patched, pytest.raises(OSError) as raised:
        patched.setattr(pathlib.Path, "open", full)
        prediction.predict(model, [], tmp_path)
    said = f"cannot write predictions in {tmp_path}: No space left on device; make room"
    assert str(raised.value).startswith(said)
    assert not list(tmp_path.iterdir())


def test_few_batches_are_read_ahead():
    begun = []

    def batches():
        for number in range(50):
            begun.append(number)
            yield [(pathlib.Path(str(number)), str(number))]

    seen = job._in_order(lambda batch: [batch[0][1]], batches())
    for count, name in enumerate(seen):
        assert name == str(count)
        assert len(begun) <= count + 4


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"map_format": "tif"}, "png"),
        ({"batch_size": 0}, "batch_size"),
        ({"view": "all"}, "whole"),
        ({"overlays": "gif"}, "jpeg"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(model, tmp_path, arguments, rule):
    with pytest.raises(ValueError, match=rule):
        prediction.predict(model, [], tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_images_are_found_once_and_in_order(tmp_path, monkeypatch):
    for name in (
        "b/2.JPG",
        "b/1.png",
        "b/x/3.webp",
        "b/notes.txt",
        "b/.hidden.png",
        "b/.d/4.png",
        "b/out/overlays/1.png",
        "c[1].jpg",
        "raw",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    def found(*arguments):
        return [str(path) for path in prediction.find_images(arguments, "b/out")]

    assert found("b") == ["b/1.png", "b/2.JPG", "b/x/3.webp"]
    assert found("b/2.JPG", "b", str(tmp_path / "b" / "1.png")) == [
        "b/2.JPG",
        "b/1.png",
        "b/x/3.webp",
    ]
    assert found("b/**/*.png") == ["b/1.png"]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/b").symlink_to(tmp_path / "b/x")
    assert found("linked") == ["linked/b/3.webp"]
    assert found("?/x", "raw", "c[1].jpg") == ["b/x/3.webp", "raw", "c[1].jpg"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [([], "photos"), (["gone.jpg"], "gone.jpg"), (["*.jpg"], r"\*\.jpg"), (["empty"], "empty")],
)
def test_arguments_that_stand_for_nothing_are_named(tmp_path, monkeypatch, arguments, named):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=named):
        prediction.find_images(arguments, "out")


def test_models_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"train\.py --stage=joint"):
        prediction.load_run(tmp_path)
    with pytest.raises(ValueError, match=r"export\.py --export_dir="):
        prediction.load_export(tmp_path)
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "saved_model.pb").touch()
    with pytest.raises(ValueError, match="holds no export"):
        prediction.load_export(tmp_path)


def test_overlay_shows_the_map_where_it_is_and_the_image_elsewhere():
    image = np.full((600, 800, 3), 128, np.uint8)
    saliency = np.zeros((600, 800), np.float32)
    saliency[300:320, 400:420] = 0.3
    saliency[100:120, 400:420] = -5
    drawn = painting.paint(image, saliency, (100, 0, 700, 600), [])
    assert drawn.shape == (600, 800, 3)
    hot = np.abs(drawn[310, 410].astype(int) - 128)
    assert hot.max() > 80
    np.testing.assert_allclose(drawn[110, 410], 128, atol=1)
    np.testing.assert_allclose(drawn[310, 50], 128, atol=1)
    assert (drawn[300, 101] == 255).all() and (drawn[300, 698] == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (47, 60), (3000, 2000)])
def test_overlay_is_legible_at_any_size(size):
    image, saliency = np.zeros((*size, 3), np.uint8), np.ones(size, np.float32)
    bare = painting.paint(image, saliency, (0, 0, size[1], size[0]), [])
    assert max(bare.shape) == max(480, min(1280, max(size)))
    named = [("a name that is far too long for one line " * 9, 0.9), ("short", 0.05)]
    drawn = painting.paint(image, saliency, (0, 0, size[1], size[0]), named)
    line = (drawn.shape[0] - bare.shape[0]) / 2
    assert line >= 24 and drawn.shape[1] >= 320
    # The percentage stands alone at the end of the line: a gap is before it.
    text = (drawn[bare.shape[0] :][: int(line)] > 200).all(axis=-1).any(axis=0)
    right = np.flatnonzero(text)
    assert right.max() < drawn.shape[1] - 5
    assert np.diff(right).max() > 0.3 * line


def test_class_names_of_training_serve_unless_a_file_is_given(workdir, tmp_path):
    stage = trained.open_stage(workdir, "joint")
    assert trained.class_names(stage) == finished_stages.CLASSES
    (tmp_path / "names.txt").write_text("abcdefg".replace("", "\n").strip())
    assert trained.class_names(stage, None, tmp_path / "names.txt") == tuple("abcdefg")
    fewer = shutil.copytree(stage.folder, tmp_path / "joint")
    (fewer / "metrics.json").write_text(json.dumps(stage.metrics | {"class_names": ["a", "b"]}))
    with pytest.raises(ValueError, match="7 classes.*got 2"):
        trained.class_names(trained.open_stage(tmp_path, "joint"))


def script(*arguments, cwd=ROOT):
    return commands.run("predict.py", *arguments, cwd=cwd)


@pytest.mark.slow
def test_script_predicts_says_with_what_and_ends_with_its_code(workdir, photos, tmp_path):
    shutil.copytree(workdir, tmp_path / "runs" / "demo")
    done = script(photos, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    model, last = done.stdout.splitlines()
    assert model == "Model: stage joint of runs/demo, trained on dotted_noise/1.0.0"
    assert last == f"Predicted {len(VALID)}, skipped 0: predictions/predictions.csv"
    (photos / "99.jpg").write_bytes(b"")
    done = script(photos, cwd=tmp_path)
    assert done.returncode == 3
    assert "99.jpg" in done.stderr and "skipped 1" in done.stdout


def test_listed_images_come_after_named_ones_and_need_not_be_there(model, photos, tmp_path):
    first, second, *_ = sorted(photos.iterdir())
    (tmp_path / "list.txt").write_text(f"{second}\n\n{photos}/gone.jpg\n{first}\n", "utf-8")
    listed = prediction.read_list(tmp_path / "list.txt")
    found = prediction.find_images([str(first)], tmp_path, listed)
    assert found == [first, second, photos / "gone.jpg"]
    assert prediction.common_folder([], listed) == photos
    done = prediction.predict(model, found, tmp_path / "out")
    assert done == job.Summary(2, 1)
    assert read_tables(tmp_path / "out")[0][2]["error"] == "No such file or directory"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\n\n", "is empty"), (b"\xff.jpg\n", "must be text in UTF-8"), (None, "No such file")],
)
def test_a_list_that_is_none_is_named(tmp_path, content, said):
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(ValueError, match=rf"list\.txt.*{said}"):
        prediction.read_list(tmp_path / "list.txt")


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("gone.jpg",), "gone.jpg"),
        ((), "no images"),
        (("one.png",), "train.py --stage=joint --workdir=runs/demo"),
        (("one.png", "--map_format=tif"), "npy"),
        (("one.png", "--export_dir=x", "--max_pixels=9"), "--max_pixels"),
        (("--list=gone.txt",), "cannot read the list of images gone.txt"),
        (("one.png", "--runner=DirectRunner"), "name it with --export_dir"),
        (("one.png", "--runner=DirectRunner", "--overlays=jpeg"), "leave --overlays out"),
        (("one.png", "--shard_images=9"), "--shard_images needs a --runner"),
        (("one.png", "--", "--direct_num_workers=2"), "--direct_num_workers=2 needs a --runner"),
    ],
)
@pytest.mark.slow
def test_mistake_gets_one_line_that_names_it(flags, named, tmp_path):
    (tmp_path / "one.png").write_bytes(VALID["png"])
    done = script(*flags, cwd=tmp_path)
    assert done.returncode not in (0, 3)
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "predictions").exists()
