import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import tfds_builders
from salclass_tf import heatmaps
from tfds_builders.common import schema
from tfds_builders.gallery import __main__ as command
from tfds_builders.gallery import picture, table
from tfds_builders.gallery.published import PUBLISHED

DOCS = pathlib.Path(__file__).parents[2] / "docs"
DOCUMENT = DOCS / "datasets.md"
YELLOW = np.array([255, 235, 0])


class LonelyDots(tfds.core.GeneratorBasedBuilder):
    """Dark pictures with a fixation each; a hidden split comes first by name."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=schema.gaze_features(tfds.features.ClassLabel(names=["dark", "night"])),
            metadata=tfds.core.MetadataDict(sigma_px=20.0, splits_without_gaze=["hidden"]),
        )

    def _split_generators(self, dl_manager):
        return {"hidden": self._generate_examples(3, 0), "train": self._generate_examples(9, 1)}

    def _generate_examples(self, count, points):
        for index in range(count):
            gaze = ([140.0] * points, [300.0] * points, [-1] * points, [-1] * points)
            fixations, _ = schema.fixation_rows(*gaze, size=(420, 560), source="")
            image = np.zeros((420, 560, 3), np.uint8)
            example = {"image": image, "image/id": str(index), "label": index % 2}
            yield index, example | {"fixations": fixations}


@pytest.fixture(scope="module")
def dots(tmp_path_factory):
    builder = LonelyDots(data_dir=tmp_path_factory.mktemp("dots"))
    builder.download_and_prepare()
    return builder


def seen(size, x, y, sigma=20.0, **changed):
    """A dark picture of a size (width, height) that people looked at."""
    x, y = np.float32(x), np.float32(y)
    heat = heatmaps.from_fixations(np.stack([x, y], axis=1), size[::-1], sigma)
    content = {"heatmap": heat, "caption": "night"} | changed
    return picture.Seen(Image.new("RGB", size), x, y, **content)


def yellow(sheet):
    """Rows and columns of the dots' colour, [n, 2]."""
    return np.argwhere((np.asarray(sheet) == YELLOW).all(axis=-1))


def brightest(sheet, box):
    """Row and column, in the sheet, of the brightest part of left, top, right, bottom."""
    left, top, right, bottom = box
    light = np.asarray(sheet.convert("L"))[top:bottom, left:right]
    return np.argwhere(light >= light.max()).mean(axis=0) + [top, left]


# Half a pixel is the middle of a pixel: 140.5 / 2 - 0.5 = 69.75.
@pytest.mark.parametrize(
    ("size", "corner"),
    [((560, 420), (0, 0)), ((210, 420), (175, 0)), ((560, 210), (0, 52))],
    ids=["whole", "upright", "wide"],
)
def test_fixation_and_heat_sit_where_people_looked(size, corner):
    sheet = picture.arrange([seen(size, [140], [100])])
    assert sheet.size == (560, 228)
    expected = np.array([100.5 / 2 - 0.5 + corner[1], 140.5 / 2 - 0.5 + corner[0]])
    found = yellow(sheet)
    assert 9 <= len(found) <= 30
    np.testing.assert_allclose(found.mean(axis=0), expected, atol=0.6)
    width, height = size[0] // 2, size[1] // 2
    heat = brightest(sheet, (280, corner[1], 280 + width, corner[1] + height))
    expected = np.array([100.5 / 2 - 0.5 + corner[1], 280 + 140.5 / 2 - 0.5])
    np.testing.assert_allclose(heat, expected, atol=1.5)


def test_columns_and_rows_are_not_swapped_and_edges_stay_inside():
    sheet = picture.arrange([seen((560, 420), [0, 559.5, 559.5], [0, 0, 419.5])])
    found = yellow(sheet)
    for row, column in ((0, 0), (0, 279), (209, 279)):
        assert np.abs(found - [row, column]).max(axis=1).min() <= 1
    assert np.abs(found - [209, 0]).max(axis=1).min() > 50


def test_thousands_of_points_are_a_pixel_each():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 560, 900), rng.uniform(0, 420, 900)
    found = {tuple(place) for place in yellow(picture.arrange([seen((560, 420), x, y)]))}
    exact = np.stack([(y + 0.5) / 2 - 0.5, (x + 0.5) / 2 - 0.5], axis=1)
    expected = {tuple(place) for place in np.clip(np.round(exact), 0, [209, 279]).astype(int)}
    assert len(found ^ expected) <= 5  # float32 may round the other way


def test_the_heat_lies_over_the_picture_in_grey():
    pixels = np.zeros((420, 560, 3), np.uint8)
    pixels[300:, :100] = [200, 0, 0]
    example = picture.Seen(
        Image.fromarray(pixels), *np.float32([[400], [100]]), np.zeros((420, 560)), "night"
    )
    sheet = np.asarray(picture.arrange([example])).astype(int)
    red, dark = sheet[190, 280 + 20], sheet[190, 280 + 150]
    difference = red - dark
    assert np.ptp(difference) <= 1 and 10 <= difference[0] <= 20  # a quarter of red's lightness, 60


def test_a_published_map_is_shown_as_it_is():
    shipped = np.zeros((21, 28))
    shipped[5, 20] = 1  # smaller than the image, of its shape
    sheet = picture.arrange([seen((560, 420), [], [], heatmap=shipped)])
    assert len(yellow(sheet)) == 0
    found = brightest(sheet, (280, 0, 560, 210))
    np.testing.assert_allclose(found, [5.5 * 10 - 0.5, 280 + 20.5 * 10 - 0.5], atol=1.5)


def test_examples_stand_in_rows_of_two():
    sheet = picture.arrange([seen((560, 420), [100], [100])] * 3)
    assert sheet.size == (2 * 560 + 6, 2 * 228 + 6)
    quarters = [(r // 234, c // 566) for r, c in yellow(sheet)]
    assert set(quarters) == {(0, 0), (0, 1), (1, 0)}


def test_a_set_is_drawn_from_a_split_with_gaze_at_even_steps(dots, monkeypatch):
    splits = []
    read = picture.read

    def noted(builder, split):
        splits.append(split)
        return read(builder, split)

    monkeypatch.setattr(picture, "read", noted)
    sheet = picture.draw(dots)
    assert splits == ["train[1:2]", "train[3:4]", "train[5:6]", "train[7:8]"]
    found = yellow(sheet)
    centre = np.array([300.5 / 2 - 0.5, 140.5 / 2 - 0.5])
    for corner in ((0, 0), (0, 566), (234, 0), (234, 566)):
        near = found[np.abs(found - centre - corner).max(axis=1) < 10]
        np.testing.assert_allclose(near.mean(axis=0), centre + corner, atol=0.6)
    heat = brightest(sheet, (280, 0, 560, 210))
    np.testing.assert_allclose(heat, centre + [0, 280], atol=1.5)


def test_named_examples_are_drawn_in_their_order(dots, monkeypatch):
    names = []
    for place in range(9):
        example = next(iter(tfds.as_numpy(dots.as_dataset(split=f"train[{place}:{place + 1}]"))))
        names.append(example["image/id"].decode())
    splits = []
    read = picture.read
    monkeypatch.setattr(picture, "read", lambda *given: splits.append(given[1]) or read(*given))
    picture.draw(dots, [names[6], names[2]])
    assert splits == ["train[6:7]", "train[2:3]"]
    with pytest.raises(ValueError, match="split train must hold 12, 13"):
        picture.draw(dots, ["13", names[0], "12"])


def test_captions_tell_class_and_number(dots):
    found = picture.read(dots, "train[:1]")
    assert found.caption in ("dark: 1 points", "night: 1 points")
    assert picture.read(dots, "hidden[:1]").caption in ("dark", "night")
    expected = heatmaps.from_fixations([[140, 300]], (420, 560), 20.0)
    np.testing.assert_array_equal(found.heatmap, expected)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_document_agrees_with_the_builders():
    """What needs no built data; the document cannot drift from the metadata."""
    text = DOCUMENT.read_text(encoding="utf-8")
    inside = text.split(table.BEGIN)[1].split(table.END)[0].strip().splitlines()
    generated = table.markdown({}).splitlines()
    assert inside[0] == generated[0]
    assert [cells(line)[:8] for line in inside] == [cells(line)[:8] for line in generated]
    assert {len(cells(line)) for line in inside} == {10}
    assert table.insert(text, "\n".join(inside)) == text


def test_every_gaze_set_of_the_package_has_a_row():
    names = {name.removesuffix("_dataset_builder") for name in vars(tfds_builders)}
    known = {name for name in names if name in tfds.list_builders(with_community_datasets=False)}
    # No gaze; folders of the user's own.
    without = {"imagenet_without_dogs", "gaze_folder", "pysaliency_folder"}
    assert known - without == {name.split("/")[0] for name in PUBLISHED}


def test_a_row_says_what_the_metadata_say():
    row = table.facts(["osie", "salicon/2014", "figrim/targets"])
    assert row["osie"] == (
        *("`osie`", "free viewing", "3", "15", "EyeLink 1000", "24", "700", "98,321"),
    )
    assert row["salicon/2014"][3:] == (
        *("crowd", "mouse, moved over a blurred picture", "19"),
        *("10,000 / 5,000 / 5,000", "–"),
    )
    assert row["figrim/targets"][2:6] == ("–", "16", "EyeLink 1000", "33.79")


def test_what_is_built_is_counted(dots, tmp_path):
    assert table.measured(dots) == ("9 / – / –", "9")
    assert table.measured(LonelyDots(data_dir=tmp_path)) == ("–", "–")
    assert "| 9 / – / – | 9 |" in table.markdown({"osie": table.measured(dots)})


def test_a_document_keeps_what_is_around_the_table():
    document = f"before\n{table.BEGIN}\n\nold\n\n{table.END}\nafter\n"
    changed = table.insert(document, "| new |")
    assert changed == f"before\n{table.BEGIN}\n\n| new |\n\n{table.END}\nafter\n"
    assert table.insert(changed, "| new |") == changed


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ("nothing", "0 and 0"),
        (f"{table.END} {table.BEGIN}", "1 and 0"),
        (f"{table.BEGIN} {table.END} {table.END}", "1 and 2"),
    ],
)
def test_a_document_without_marks_is_refused(document, found):
    with pytest.raises(ValueError, match=f"once each, in this order; got {found}"):
        table.insert(document, "| new |")


@pytest.fixture
def sets(tmp_path):
    """A data folder in which ten pictures are prepared as `imgsal`."""
    root = tmp_path / "manual/imgsal"
    (root / "images").mkdir(parents=True)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for index in range(10):
        Image.new("RGB", (56, 42), (0, 0, 20 * index)).save(root / f"images/{index}.jpg")
        lines += [f"{index},0,0,{4 * index},9,100", f"{index},1,0,90,9,100"]  # one beside it
    (root / "fixations.csv").write_text("\n".join(lines))
    builder = tfds.builder("imgsal", data_dir=tmp_path / "sets")
    download = tfds.download.DownloadConfig(manual_dir=tmp_path / "manual")
    builder.download_and_prepare(download_config=download)
    return tmp_path / "sets"


def test_the_command_draws_what_is_there_and_writes_the_table(tmp_path, sets, capsys):
    document = tmp_path / "page.md"
    document.write_text(f"# Sets\n{table.BEGIN}\n{table.END}\n", encoding="utf-8")
    output = tmp_path / "pictures/sets"
    command.main([f"--data_dir={sets}", f"--output={output}", f"--document={document}"])
    assert [path.name for path in output.iterdir()] == ["imgsal.jpg"]
    with Image.open(output / "imgsal.jpg") as drawn:
        assert (drawn.format, drawn.size) == ("JPEG", (1126, 462))
    printed = capsys.readouterr().out
    assert printed in document.read_text(encoding="utf-8")
    [row] = [line for line in printed.splitlines() if "`imgsal`" in line]
    assert cells(row)[-2:] == ["8 / – / 2", "10"]


def test_nothing_is_written_where_the_table_has_no_place(tmp_path, sets):
    document = tmp_path / "page.md"
    document.write_text("# Sets\n")
    with pytest.raises(ValueError, match="Add them where the table belongs"):
        command.make(str(sets), tmp_path / "pictures", document)
    assert not (tmp_path / "pictures").exists()
    assert document.read_text() == "# Sets\n"


def test_the_document_shows_every_picture_and_they_are_small():
    named = re.findall(r"\]\((pictures/datasets/[^)]*)\)", DOCUMENT.read_text(encoding="utf-8"))
    there = {str(path.relative_to(DOCS)) for path in (DOCS / "pictures/datasets").iterdir()}
    assert sorted(named) == sorted(there)
    assert sum((DOCS / name).stat().st_size for name in there) < 600_000


def python_blocks():
    return re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def instead_of_osie(dots, monkeypatch):
    """Makes the generated set stand in for the one that the document loads."""

    def load(name, split, with_info=False):
        assert name == "osie"
        examples = dots.as_dataset(split=split)
        return (examples, dots.info) if with_info else examples

    monkeypatch.setattr(tfds, "load", load)


def test_the_documents_code_prints_fixations(instead_of_osie, capsys):
    exec(python_blocks()[1], {})
    printed = capsys.readouterr().out
    assert "(420, 560, 3)" in printed and "140." in printed and "'sigma_px': 20.0" in printed


def test_the_documents_batches_of_fixations_invent_none(instead_of_osie, dots):
    spaces = {}
    exec(python_blocks()[2], spaces)
    ragged, padded = spaces["ragged"], spaces["padded"]
    examples = [example["fixations"] for example in tfds.as_numpy(dots.as_dataset(split="train"))]
    for index, example in enumerate(examples[:16]):
        xy = np.stack([example["x"], example["y"]], axis=-1)
        np.testing.assert_array_equal(ragged["x"][index].numpy(), example["x"])
        rows = np.stack([padded["x"][index].numpy(), padded["y"][index].numpy()], axis=-1)
        from_rows = heatmaps.from_fixations(rows, (420, 560), 9.0)
        np.testing.assert_array_equal(from_rows, heatmaps.from_fixations(xy, (420, 560), 9.0))


def test_the_documents_maps_are_ours(instead_of_osie):
    spaces = {}
    exec(python_blocks()[3], spaces)
    assert spaces["images"].shape == (8, 240, 320, 3)
    scale = np.array([320 / 560, 240 / 420])
    at = (np.array([[140, 300]]) + 0.5) * scale - 0.5
    expected = heatmaps.from_fixations(at, (240, 320), 12 * scale[0])
    np.testing.assert_allclose(spaces["maps"][0, ..., 0], expected, atol=1e-5)
    xy = np.random.default_rng(0).uniform(0, 100, (7, 2)).astype(np.float32)
    example = {
        "image": np.zeros((120, 160, 3), np.uint8),
        "fixations": {"x": xy[:, 0], "y": xy[:, 1]},
    }
    _, heat = spaces["with_map"](example, 12.0, size=(60, 80))
    expected = heatmaps.from_fixations((xy + 0.5) / 2 - 0.5, (60, 80), 6.0)
    np.testing.assert_allclose(heat[..., 0], expected, atol=1e-5)


@pytest.mark.slow
def test_the_documents_classifier_trains(monkeypatch):
    compile_model = keras.Model.compile

    def without_graphs(model, *given, **named):
        """Its one step; compiling MobileNet takes most of a minute."""
        compile_model(model, *given, **named, run_eagerly=True)

    monkeypatch.setattr(keras.Model, "compile", without_graphs)
    spaces = {}
    with tfds.testing.mock_data(num_examples=8):
        exec(python_blocks()[0], spaces)
    assert spaces["model"].output_shape == (None, 12)
