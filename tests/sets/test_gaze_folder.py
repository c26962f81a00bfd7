import json
import shutil

import builder_case
import numpy as np
import pytest
import scipy.io
import scipy.ndimage
import tensorflow_datasets as tfds
from PIL import Image

from salclass_tf import heatmaps
from salclass_tf.data import pipeline, sets
from salclass_tf.data.geometry import Geometry
from tfds_builders.common import fixation_table, originals, scanpaths
from tfds_builders.gaze_folder import gaze_folder_dataset_builder, images, study
from tfds_builders.osie import osie_dataset_builder

HEADER = "stem,viewer,index,x,y,duration_ms"
HEIGHT, WIDTH = 30, 40
STEMS = [f"{name}_{number}" for name in ("cat", "dog") for number in range(5)]


def write_image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)).save(path)


def points_of(index):
    """Two viewers, three fixations each; the last one of the second lies beside the image."""
    rows = [
        (viewer, place, 3.25 + index + 5 * place, 7.5 + viewer)
        for viewer in (0, 4)
        for place in range(3)
    ]
    return [*rows[:5], (4, 2, WIDTH, 5)]


def write_table(root, lines=None, header=HEADER):
    if lines is None:
        lines = [
            f"{stem},{viewer},{place},{x},{y},{100 + index}"
            for index, stem in enumerate(STEMS)
            for viewer, place, x, y in points_of(index)
        ]
    (root / "fixations.csv").write_text("\n".join([header, *lines]) + "\n")
    return lines


@pytest.fixture
def folder(tmp_path):
    """Ten images in two classes, with points."""
    root = tmp_path / "study"
    for seed, stem in enumerate(STEMS):
        write_image(root / stem[:3] / f"{stem}.{'png' if seed % 2 else 'jpg'}", seed)
    write_table(root)
    return root


class TestGazeFolder(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = gaze_folder_dataset_builder.Builder
    SPLITS = {"train": 8, "test": 2}

    @pytest.fixture
    def original(self, folder):
        return folder


def build(tmp_path, root):
    return builder_case.prepare(
        gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets"), root
    )


def examples_of(builder):
    splits = builder.as_dataset(decoders={"image": tfds.decode.SkipDecoding()})
    return {
        example["image/id"].decode(): (split, example)
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def assert_refused(tmp_path, root, error, pattern):
    with pytest.raises(error, match=pattern):
        build(tmp_path, root)
    left = [path for path in (tmp_path / "sets").rglob("*") if path.is_file()]
    assert left == []


def test_points_join_the_images_of_a_folder(tmp_path, folder):
    builder = build(tmp_path, folder)
    found = examples_of(builder)
    assert sorted(found) == STEMS
    assert builder.info.features["label"].names == ["cat", "dog"]
    for index, stem in enumerate(STEMS):
        _, example = found[stem]
        path = next(folder.glob(f"*/{stem}.*"))
        assert example["image"] == path.read_bytes()
        assert builder.info.features["label"].int2str(int(example["label"])) == stem[:3]
        kept = points_of(index)[:5]
        np.testing.assert_array_equal(example["fixations"]["viewer"], [p[0] for p in kept])
        np.testing.assert_array_equal(example["fixations"]["x"], [p[2] for p in kept])
        np.testing.assert_array_equal(example["fixations"]["y"], [p[3] for p in kept])
        np.testing.assert_array_equal(example["fixations"]["duration_ms"], [100 + index] * 5)


def test_a_prepared_set_is_read_without_the_folder(tmp_path, folder):
    (folder / "recording.json").write_text(
        '{"task": "memory", "tracker": "Tobii T60", "viewing_time_s": 2, "sigma_px": 6}'
    )
    build(tmp_path, folder)
    shutil.rmtree(folder)
    builder = gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets")
    assert len(examples_of(builder)) == 10
    assert builder.info.features["label"].names == ["cat", "dog"]
    facts = dict(builder.info.metadata)
    assert (facts["task"], facts["tracker"], facts["viewing_time_s"]) == ("memory", "Tobii T60", 2)
    assert (facts["sigma_px"], facts["viewers"], facts["own_split"]) == (6, 2, True)
    assert (facts["fixations"], facts["dropped_off_image"]) == (50, 10)
    assert "folder of your own" in builder.info.description
    assert "Salvucci" in builder.info.citation


def test_without_folders_there_are_no_labels_and_the_blur_is_a_share_of_the_image(tmp_path):
    root = tmp_path / "study"
    for stem in STEMS:
        write_image(root / "stimuli" / f"{stem}.png")
    write_table(root)
    builder = build(tmp_path, root)
    assert set(builder.info.features) == {"image", "image/id", "fixations"}
    assert builder.info.metadata["sigma_px"] == pytest.approx(0.03 * WIDTH)


def test_the_split_is_ours_and_even_in_every_class(tmp_path, folder):
    found = examples_of(build(tmp_path, folder))
    test = sorted(stem for stem, (split, _) in found.items() if split == "test")
    assert [stem[:3] for stem in test] == ["cat", "dog"]
    opened = study.open_study(folder)
    assert opened.own_split and opened.parts["test"] == set(test)


def test_folders_named_like_splits_decide(tmp_path):
    root = tmp_path / "study"
    places = {"train": STEMS[:3], "val": STEMS[3:4], "test": STEMS[4:6]}
    for split, stems in places.items():
        for stem in stems:
            write_image(root / "images" / split / stem[:3] / f"{stem}.jpg")
    write_table(root, [f"{stem},0,0,1,1,-1" for stem in STEMS[:6]])
    opened = study.open_study(root)
    expected = {"train": set(STEMS[:3]), "validation": {STEMS[3]}, "test": set(STEMS[4:6])}
    assert opened.parts == expected and not opened.own_split
    assert opened.class_names == ("cat", "dog")


def test_splits_csv_decides(folder):
    lines = [f"{stem},{'val' if stem[-1] == '4' else 'train'}" for stem in STEMS]
    (folder / "splits.csv").write_text("\n".join(["stem,split", *lines]))
    assert study.open_study(folder).parts == {
        "train": {stem for stem in STEMS if stem[-1] != "4"},
        "validation": {"cat_4", "dog_4"},
    }


def test_images_without_gaze_are_left_out_and_counted(tmp_path, folder):
    write_image(folder / "cat/unseen.png")
    builder = build(tmp_path, folder)
    assert sorted(examples_of(builder)) == STEMS
    assert builder.info.metadata["images_without_gaze"] == 1


@pytest.mark.parametrize("place", ["heatmaps/{0}.png", "heatmaps/cat/{0}.png", "{0}_heatmap.png"])
def test_heat_maps_are_kept_beside_the_images(tmp_path, place):
    root = tmp_path / "study"
    rng = np.random.default_rng(0)
    expected = {}
    for stem in STEMS:
        write_image(root / f"{stem}.jpg")
        expected[stem] = rng.integers(0, 256, (HEIGHT // 2, WIDTH // 2), np.uint8)
        path = root / place.format(stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(expected[stem]).save(path)
    builder = build(tmp_path, root)
    found = examples_of(builder)
    assert sorted(found) == STEMS
    for stem in STEMS:
        np.testing.assert_array_equal(found[stem][1]["heatmap"][..., 0], expected[stem])
        assert len(found[stem][1]["fixations"]["x"]) == 0
    assert builder.info.metadata["sigma_px"] == 0
    again = gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets")
    assert "heatmap" in again.info.features


def first_batch(gaze_set):
    batches = pipeline.training_batches(
        pipeline.open_split(gaze_set.builder, "train"),
        geometry=Geometry(16, 18),
        sigma_px=gaze_set.sigma_px,
        batch_size=4,
        seed=0,
        epoch=0,
    )
    return next(iter(batches))


def test_a_training_run_reads_the_folder(tmp_path, folder):
    gaze_set = sets.open_set("gaze_folder", str(tmp_path / "sets"), str(folder))
    assert gaze_set.class_names == ("cat", "dog") and gaze_set.has_gaze
    assert (gaze_set.size("train"), gaze_set.split("test")) == (8, "test")
    batch = first_batch(gaze_set)
    assert batch["image"].shape == (4, 16, 16, 3)
    assert 0 < float(batch["saliency"].numpy().max()) <= 1


def test_a_training_run_reads_heat_maps(tmp_path, folder):
    (folder / "fixations.csv").unlink()
    for stem in STEMS:
        Image.new("L", (WIDTH, HEIGHT), 50).save(folder / f"{stem[:3]}/{stem}_heatmap.png")
    gaze_set = sets.open_set("gaze_folder", str(tmp_path / "sets"), str(folder))
    assert gaze_set.class_names == ("cat", "dog") and gaze_set.has_gaze
    np.testing.assert_allclose(first_batch(gaze_set)["saliency"], 1, rtol=1e-6)


def test_another_folder_does_not_pass_for_the_one_that_was_built(tmp_path, folder):
    build(tmp_path, folder)
    build(tmp_path, folder)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    build(tmp_path, other)
    table = (other / "fixations.csv").read_text()
    (other / "fixations.csv").write_text(table.replace("3.25,", "3.75,"))  # as long as before
    with pytest.raises(ValueError, match=r"was built from .*study, .*other differs\. Name another"):
        build(tmp_path, other)
    write_table(other, [f"{stem},0,0,1,1,100" for stem in STEMS])
    builder = gaze_folder_dataset_builder.Builder(data_dir=tmp_path / "sets")
    mode = tfds.download.GenerateMode.REUSE_CACHE_IF_EXISTS
    config = tfds.download.DownloadConfig(manual_dir=other, download_mode=mode)
    builder.download_and_prepare(download_config=config)
    assert builder.info.metadata["fixations"] == 10


BAD_LINES = {
    "nan": ("cat_0,0,9,nan,4,100", r"line 3 must name an image and finite numbers; got .*nan"),
    "infinite": ("cat_0,0,9,3,inf,100", r"line 3 must name an image and finite numbers; got .*inf"),
    "comma": ("cat_0,0,9,3,5,4,5,100", r"line 3 must have 6 fields; got 8.* decimal point"),
    "quoted comma": ('cat_0,0,9,"3,5",4,100', r"line 3 must hold numbers.*'3,5'.* decimal point"),
    "repeated": ("cat_0,0,0,1,1,100", r"line 3 repeats fixation 0 of viewer 0 on cat_0"),
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_one_bad_line_in_a_short_table_is_an_error(tmp_path, folder, line):
    text, pattern = BAD_LINES[line]
    lines = write_table(folder)
    write_table(folder, [lines[0], text, *lines[1:]])
    pattern = rf"fixations\.csv, {pattern}.*\. 1 of 61 lines are bad, and only 0\.1%"
    assert_refused(tmp_path, folder, ValueError, pattern)


def test_one_bad_line_among_thousands_is_left_out_and_listed(tmp_path, folder):
    lines = [f"cat_0,{viewer},{place},1,1,9" for viewer in range(100) for place in range(20)]
    write_table(folder, [*lines[:6], BAD_LINES["nan"][0], *lines[6:]])
    builder = build(tmp_path, folder)
    assert builder.info.metadata["fixations"] == 2000
    (skipped,) = builder.info.metadata["skipped_lines"]
    assert "fixations.csv, line 8 must name an image and finite numbers" in skipped
    write_table(folder, [*lines, *[BAD_LINES["nan"][0]] * 3])
    with pytest.raises(ValueError, match="line 2002 .* 3 of 2003 lines are bad"):
        fixation_table.scan_table(folder / "fixations.csv", 0.001)


@pytest.mark.parametrize(
    ("header", "pattern"),
    [
        ("stem,viewer,x,y,duration_ms", "Add index"),
        ("stem;viewer;index;x;y;duration_ms", "Separate columns by commas"),
        (
            "stem,viewer,index,y,x,duration_ms",
            "Put the columns into this order",
        ),
    ],
)
def test_missing_columns_are_named(tmp_path, folder, header, pattern):
    write_table(folder, None, header)
    assert_refused(tmp_path, folder, ValueError, rf"fixations\.csv must begin with stem.*{pattern}")


def damage(root):
    path = root / "cat/cat_0.jpg"
    path.write_bytes(path.read_bytes()[:300])


def latin(root):
    (root / "fixations.csv").write_bytes(
        HEADER.encode() + "\nkätzchen,0,0,1,1,1\n".encode("latin-1")
    )


def facts(**entries):
    return lambda root: (root / "recording.json").write_text(json.dumps(entries))


def splits(*lines):
    return lambda root: (root / "splits.csv").write_text("\n".join(lines))


ALL_TRAIN = [f"{stem},train" for stem in STEMS]
BAD_FOLDERS = {
    "broken image": (damage, ValueError, r"cat_0\.jpg does not decode"),
    "one stem twice": (
        lambda root: write_image(root / "dog/cat_1.jpg"),
        ValueError,
        r"different names, .*cat/cat_1\.png and .*dog/cat_1\.jpg\. Rename one",
    ),
    "no fixation": (lambda root: write_table(root, []), ValueError, "at least one fixation"),
    "empty table": (
        lambda root: (root / "fixations.csv").write_text(""),
        ValueError,
        r"must begin with stem.*got None",
    ),
    "another encoding": (latin, ValueError, r"must be a CSV file in UTF-8"),
    "no gaze": (
        lambda root: (root / "fixations.csv").unlink(),
        FileNotFoundError,
        r"study must hold gaze: fixations\.csv, heat maps.*or samples/; found none",
    ),
    "no images": (
        lambda root: [shutil.rmtree(root / name) for name in ("cat", "dog")],
        FileNotFoundError,
        r"must hold images \(\.jpg",
    ),
    "two forms": (
        lambda root: write_image(root / "heatmaps/cat_0.png"),
        ValueError,
        "one form; got points and maps",
    ),
    "gaze on no image": (
        lambda root: (root / "cat/cat_3.png").unlink(),
        ValueError,
        r"fixations\.csv: 1 names belong to no image: cat_3\. Names are",
    ),
    "another format": (
        lambda root: write_image(root / "cat/cat_9.tif"),
        ValueError,
        r"cat_9\.tif must be a JPEG or PNG file",
    ),
    "image outside the classes": (
        lambda root: write_image(root / "bird.png"),
        ValueError,
        r"folder of their class, or none; 1 of 11 do not, first .*bird\.png",
    ),
    "deep folders": (
        lambda root: write_image(root / "cat/tabby/bird.png"),
        ValueError,
        r"at most in \[train\|val\|test/\]\[class/\] of .*got cat/tabby/",
    ),
    "misspelt key": (facts(sigma=3), ValueError, r"recording\.json must be .*keys among task"),
    "number in quotes": (facts(sigma_px="3"), ValueError, r"`sigma_px` must be a number above 0"),
    "no number": (facts(sigma_px=float("nan")), ValueError, r"`sigma_px` must be a number above 0"),
    "infinite": (facts(sigma_px=float("inf")), ValueError, r"`sigma_px` must be a number above 0"),
    "number for a text": (facts(task=3), ValueError, r"`task` must be text"),
    "broken facts": (
        lambda root: (root / "recording.json").write_text("{"),
        ValueError,
        r"recording\.json must be a JSON file",
    ),
    "split header": (splits("stem;split"), ValueError, r"must begin with stem,split; got"),
    "unknown split": (
        splits("stem,split", "cat_0,dev"),
        ValueError,
        r"splits\.csv, line 2 must be an image's stem.*got 'cat_0,dev'",
    ),
    "twice in a split": (
        splits("stem,split", *ALL_TRAIN, ALL_TRAIN[3]),
        ValueError,
        r"splits\.csv, line 12 must be an image's stem, once",
    ),
    "not in a split": (
        splits("stem,split", *ALL_TRAIN[1:]),
        ValueError,
        r"must list every image with gaze; it lacks \['cat_0'\]",
    ),
    "no training": (
        splits("stem,split", *[f"{stem},test" for stem in STEMS]),
        ValueError,
        "no image of `train` has gaze",
    ),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_a_bad_folder_is_refused_and_nothing_stays(tmp_path, folder, case):
    spoil, error, pattern = BAD_FOLDERS[case]
    spoil(folder)
    assert_refused(tmp_path, folder, error, pattern)


def test_a_heat_map_of_another_shape_is_refused(tmp_path, folder):
    (folder / "fixations.csv").unlink()
    Image.new("L", (WIDTH, WIDTH)).save(folder / "cat/cat_0_heatmap.png")
    assert_refused(
        tmp_path, folder, ValueError, r"cat_0_heatmap\.png must be grey and of the shape"
    )


def test_litter_of_file_managers_is_no_image(folder):
    (folder / "cat/._cat_0.jpg").write_bytes(b"\0\5")
    before = study.fingerprint(folder)
    (folder / ".DS_Store").write_text("seen")
    assert study.fingerprint(folder) == before
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX/cat_0.jpg").write_bytes(b"\0\5")
    assert sorted(images.find_images(folder)) == STEMS


def heatmaps_of(builder, sigma):
    maps = {}
    for stem, (_, example) in examples_of(builder).items():
        xy = np.stack([example["fixations"]["x"], example["fixations"]["y"]], axis=1)
        maps[stem] = heatmaps.from_fixations(xy, (600, 800), sigma)
    return maps


@pytest.mark.real_data
def test_osie_in_the_tables_form_has_the_heat_maps_of_its_builder(tmp_path, shared_data):
    """Seven images of OSIE, once as published and once exported into `fixations.csv`."""
    whole = scipy.io.loadmat(shared_data / "osie/data/eye/fixations.mat")["fixations"]
    published, exported = tmp_path / "osie", tmp_path / "study"
    (published / "data/eye").mkdir(parents=True)
    scipy.io.savemat(published / "data/eye/fixations.mat", {"fixations": whole[::100]})
    read = scanpaths.read_scanpaths(published / "data/eye/fixations.mat")
    lines = []
    for folder in (published / "data/stimuli", exported):
        folder.mkdir(parents=True)
        for name in read:
            shutil.copy(shared_data / "osie/data/stimuli" / name, folder)
    for name, found in read.items():
        place = dict.fromkeys(range(15), 0)
        for x, y, duration, viewer in zip(
            found.x, found.y, found.duration_ms, found.viewer, strict=True
        ):
            lines.append(f"{name[:-4]},{viewer},{place[viewer]},{x},{y},{duration}")
            place[viewer] += 1
    write_table(exported, lines)
    (exported / "recording.json").write_text('{"sigma_px": 24}')
    builders = [osie_dataset_builder.Builder(data_dir=tmp_path / "sets")]
    config = tfds.download.DownloadConfig(manual_dir=published)
    builders[0].download_and_prepare(download_config=config)
    builders.append(build(tmp_path, exported))
    maps = [heatmaps_of(b, b.info.metadata["sigma_px"]) for b in builders]
    assert len(maps[0]) == 7 and set(maps[0]) == set(maps[1])
    for stem in maps[0]:
        np.testing.assert_allclose(maps[1][stem], maps[0][stem], rtol=0, atol=1e-6)
        assert originals.image_size(exported / f"{stem}.jpg") == (600, 800)
    assert builders[0].info.metadata["fixations"] == builders[1].info.metadata["fixations"]
