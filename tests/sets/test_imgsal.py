import builder_case
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tfds_builders.common import fixation_table
from tfds_builders.imgsal import imgsal_dataset_builder

HEADER = "stem,viewer,index,x,y,duration_ms"
SIZE = (24, 32)
STEMS = ["1", "2", "10", "a b", "five"]
# Lines out of order; one point beside the image; -1 where something is unknown.
LINES = [
    "1,3,2,31.9,23.9,210",
    "1,3,1,0,0,180.5",
    "2,-1,0,7.25,4,-1",
    "1,0,9,32,4,90",
    "10,1,1,1,1,1",
    "a b,1,1,2,2,2",
    "five,1,1,3,3,3",
]
EXPECTED = {
    "1": [(0, 0, 180.5, 3), (31.9, 23.9, 210, 3)],
    "2": [(7.25, 4, -1, -1)],
    "10": [(1, 1, 1, 1)],
    "a b": [(2, 2, 2, 1)],
    "five": [(3, 3, 3, 1)],
}


def write_table(folder, lines, header=HEADER):
    folder.mkdir(exist_ok=True)
    path = folder / "fixations.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.fixture
def original(tmp_path):
    """Five images, a table and heat maps in the documented layout."""
    root = tmp_path / "original/imgsal"
    for name in ("images", "heatmaps/indoors", "heatmaps/outdoors"):
        (root / name).mkdir(parents=True)
    for index, stem in enumerate(STEMS):
        rng = np.random.default_rng(index)
        pixels = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{stem}.jpg")
        # Half the size; the shape fits but for rounding.
        heat = rng.integers(0, 256, (13 if index else 12, 16), np.uint8)
        place = ("indoors", "outdoors")[index % 2]
        Image.fromarray(heat).save(root / "heatmaps" / place / f"{stem}.png")
    write_table(root, LINES)
    return root.parent


class TestImgsal(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = imgsal_dataset_builder.Builder
    SPLITS = {"train": 4, "test": 1}


def build(tmp_path, manual_dir, config="points"):
    return builder_case.prepare(
        imgsal_dataset_builder.Builder(data_dir=tmp_path / "sets", config=config), manual_dir
    )


def examples_of(builder):
    skip = tfds.decode.SkipDecoding()
    keys = {"image", "heatmap"} & set(builder.info.features)
    splits = builder.as_dataset(decoders=dict.fromkeys(keys, skip))
    return {
        example["image/id"].decode(): (split, example)
        for split in splits
        for example in tfds.as_numpy(splits[split])
    }


def test_points_come_with_their_images(tmp_path, original):
    builder = build(tmp_path, original)
    assert (
        builder.builder_config.name
        == imgsal_dataset_builder.Builder(data_dir=tmp_path / "sets").builder_config.name
    )  # points are what the name alone gives
    found = examples_of(builder)
    assert sorted(found) == sorted(STEMS)
    columns = ("x", "y", "duration_ms", "viewer")
    for stem, (_, example) in found.items():
        assert example["image"] == (original / f"imgsal/images/{stem}.jpg").read_bytes()
        rows = np.stack([example["fixations"][name] for name in columns], axis=1)
        np.testing.assert_array_equal(rows, np.float32(EXPECTED[stem]))
    info = tfds.builder_from_directory(builder.data_dir).info
    assert dict(info.metadata) == {
        "sigma_px": 19.0,
        "task": "free viewing",
        "viewers": 21,
        "viewing_time_s": None,
        "tracker": "Tobii T60",
        "fixations": 6,
        "dropped_off_image": 1,
        "images_without_fixations": 0,
        "own_split": True,
    }
    splits = [split for split, _ in found.values()]
    assert (splits.count("train"), splits.count("test")) == (4, 1)
    assert "layout of ours" in info.description and "Frequency Domain" in info.citation


def test_maps_come_with_their_images(tmp_path, original):
    builder = build(tmp_path, original, "maps")
    found = examples_of(builder)
    assert sorted(found) == sorted(STEMS)
    for stem, (_, example) in found.items():
        (path,) = (original / "imgsal/heatmaps").glob(f"*/{stem}.png")
        assert example["heatmap"] == path.read_bytes()
        assert example["fixations"]["x"].shape == (0,)
    assert builder.info.metadata["sigma_px"] == 0.0
    assert builder.info.metadata["images_without_fixations"] == len(STEMS)
    decoded = next(iter(builder.as_dataset(split="test")))["heatmap"]
    assert decoded.shape[2] == 1


def test_an_image_without_gaze_is_left_out(tmp_path, original):
    write_table(original / "imgsal", LINES[:-1])
    assert sorted(examples_of(build(tmp_path, original))) == sorted(STEMS[:-1])


def assert_refused(tmp_path, manual_dir, error, pattern, config="points"):
    with pytest.raises(error, match=pattern):
        build(tmp_path, manual_dir, config)
    # TFDS notes which configuration is the default one; nothing else is left.
    left = [path for path in (tmp_path / "sets/imgsal").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {".config"}


@pytest.mark.parametrize(("config", "name"), [("points", "fixations.csv"), ("maps", "heatmaps")])
def test_missing_gaze_is_named_with_the_layout(tmp_path, original, config, name):
    (original / "imgsal" / name).rename(tmp_path / "elsewhere")
    pattern = rf"lacks imgsal/{name}\. .*imgsal/images/<stem>\.jpg"
    assert_refused(tmp_path, original, FileNotFoundError, pattern, config)


def test_no_files_at_all_tell_the_layout(tmp_path):
    pattern = r"(?s)does not exist or is empty.*imgsal/fixations\.csv \(stem,viewer"
    assert_refused(tmp_path, None, FileNotFoundError, pattern)


def test_gaze_without_an_image_is_refused(tmp_path, original):
    write_table(original / "imgsal", [*LINES, "99.jpg,1,1,1,1,1"])
    pattern = r"fixations\.csv: 1 names belong to no image, first 99\."
    assert_refused(tmp_path, original, ValueError, pattern)


def test_two_images_of_one_stem_are_refused(tmp_path, original):
    Image.new("RGB", (32, 24)).save(original / "imgsal/images/2.png")
    assert_refused(tmp_path, original, ValueError, "two files share the name 2")


def test_a_corrupt_image_is_named(tmp_path, original):
    path = original / "imgsal/images/2.jpg"
    path.write_bytes(path.read_bytes()[:300])
    assert_refused(tmp_path, original, ValueError, r"images/2\.jpg does not decode")


@pytest.mark.parametrize(
    ("heat", "pattern"),
    [
        (Image.new("L", (32, 12)), "24x32; got mode L, 12x32"),
        (Image.new("RGB", (32, 24)), "24x32; got mode RGB, 24x32"),
    ],
)
def test_a_heat_map_of_another_kind_is_refused(tmp_path, original, heat, pattern):
    heat.save(original / "imgsal/heatmaps/outdoors/2.png")
    pattern = rf"2\.png must be grey and of the shape of its image, {pattern}"
    assert_refused(tmp_path, original, ValueError, pattern, "maps")


def test_a_corrupt_heat_map_is_named(tmp_path, original):
    path = original / "imgsal/heatmaps/outdoors/2.png"
    path.write_bytes(path.read_bytes()[:60])
    assert_refused(tmp_path, original, ValueError, r"outdoors/2\.png does not decode", "maps")


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("1,0,0,3,4", r"line 3 must have 6 fields; got 5"),
        ("1,0,0,3,5,4,5,100", r"line 3 must have 6 fields; got 8: .* decimal point"),
        ("1,0,0,x,4,100", r"line 3 must hold numbers behind the stem .*'x'"),
        ("1,p01,first,3,4,100", r"line 3 must hold numbers behind the stem .*'first'"),
        ("1,0,0,nan,4,100", r"line 3 must name an image and finite numbers; got .*nan"),
        ("1,0,0,3,-inf,100", r"line 3 must name an image and finite numbers; got .*-inf"),
        (",0,0,3,4,100", r"line 3 must name an image and finite numbers"),
        (LINES[0], r"line 3 repeats fixation 2 of viewer 3 on 1; remove one"),
        ("", r"line 3 must have 6 fields; got 0"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, pattern):
    path = write_table(tmp_path, [LINES[0], line, LINES[1]])
    with pytest.raises(ValueError, match=rf"fixations\.csv, {pattern}"):
        fixation_table.read_table(path)


@pytest.mark.parametrize("header", ["stem|viewer|index|x|y|duration_ms", "stem,viewer,index,x,y"])
def test_another_header_is_refused(tmp_path, header):
    with pytest.raises(ValueError, match=r"must begin with stem,viewer.*; got \['stem"):
        fixation_table.read_table(write_table(tmp_path, [], header))


def test_an_empty_table_is_refused_and_a_byte_order_mark_is_not(tmp_path):
    path = write_table(tmp_path, LINES[:1], "\ufeff" + HEADER)
    assert list(fixation_table.read_table(path)) == ["1"]
    with pytest.raises(ValueError, match="at least one fixation"):
        fixation_table.read_table(write_table(tmp_path, []))
    path.write_text("")
    with pytest.raises(ValueError, match="must begin with stem.*; got None"):
        fixation_table.read_table(path)
