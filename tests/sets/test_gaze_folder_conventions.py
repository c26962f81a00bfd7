import dataclasses
import json
import re

import looked_at
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tfds_builders.common import fixation_table, scanpaths
from tfds_builders.gaze_folder import (
    conspicuity,
    conventions,
    coordinates,
    recording,
    report,
    scene,
    study,
)
from tfds_builders.gaze_folder.coordinates import Coordinates

SIZES = ((240, 320), (300, 300))
REMEDY = re.compile(r'dd to recording\.json[^:]*: ("coordinates": \{.*?\})')


def on_screen(x, y, size):
    """Pixels of a screen of 1920 x 1080 with the image in it as large as possible."""
    height, width = size
    zoom = min(1920 / width, 1080 / height)
    left, top = (1920 - zoom * width) / 2, (1080 - zoom * height) / 2
    return left + zoom * (x + 0.5) - 0.5, top + zoom * (y + 0.5) - 0.5


WAYS = {
    "y upwards": lambda x, y, size: (x, size[0] - 1 - y),
    "swapped": lambda x, y, size: (y, x),
    "percent": lambda x, y, size: (100 * (x + 0.5) / size[1], 100 * (y + 0.5) / size[0]),
    "centre": lambda x, y, size: (x - (size[1] - 1) / 2, (size[0] - 1) / 2 - y),
    "height": lambda x, y, size: (
        (x - (size[1] - 1) / 2) / size[0],
        ((size[0] - 1) / 2 - y) / size[0],
    ),
    "screen": on_screen,
    "twice": lambda x, y, size: (2 * x, 2 * y),
}


def suspicions_of(root):
    return report.examine(study.open_study(root)).suspicions


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures") / "images"
    return root, looked_at.write_pictures(root, sizes=SIZES)


@pytest.fixture
def folder(tmp_path, pictures):
    """Twelve pictures of two sizes, and what was looked at; the table is for the test."""
    (tmp_path / "study").mkdir()
    (tmp_path / "study/images").symlink_to(pictures[0], target_is_directory=True)
    return tmp_path / "study", pictures[1]


def test_right_coordinates_are_not_suspected(folder):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze)
    outcome = report.examine(study.open_study(root))
    assert outcome.suspicions == ()
    (text,) = [line for line in outcome.facts if line.startswith("coordinates")]
    assert "pixels of the image predict the gaze best, by " in text
    (text,) = [line for line in outcome.facts if line.startswith("viewers of one")]
    assert float(text.split("by ")[1].split()[0]) > 1


@pytest.mark.parametrize("way", WAYS)
def test_the_remedy_of_another_convention_gives_the_true_points(folder, way):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze, WAYS[way], SIZES)
    (text,) = suspicions_of(root)
    remedy = REMEDY.search(text).group(1)
    (root / "recording.json").write_text("{" + remedy + "}")
    found = study.open_study(root).gaze.by_stem
    for stem, value in gaze.items():
        np.testing.assert_allclose(found[stem].x, value.x, atol=1.01)
        np.testing.assert_allclose(found[stem].y, value.y, atol=1.01)
    assert any(remedy in note for note in study.open_study(root).gaze.notes)


def test_gaze_of_the_next_picture_is_named_and_moved_back(folder):
    root, gaze = folder
    stems = list(gaze)
    looked_at.write_table(
        root / "fixations.csv",
        dict(zip(stems, [*list(gaze.values())[1:], gaze["p00"]], strict=True)),
    )
    (text,) = suspicions_of(root)
    assert '"coordinates": {"picture": 1}' in text
    (root / "recording.json").write_text('{"coordinates": {"picture": 1}}')
    found = study.open_study(root).gaze.by_stem
    np.testing.assert_allclose(found["p01"].x, gaze["p01"].x)
    assert suspicions_of(root) == ()


def test_a_shift_that_no_screen_explains_is_told_as_rough(folder):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze, lambda x, y, size: (x + 71, y * 1.3 - 38))
    (text,) = suspicions_of(root)
    assert "too rough to be used" in text and "dd to recording.json: " not in text


@pytest.mark.parametrize(
    ("scale", "shift"),
    [
        ((1, 1), (71, -38)),
        ((1, 1), (-20, 13)),
        ((1024 / 1280, 768 / 1024), (0, 0)),  # another screen's pixels
        ((1024 / 1920, 768 / 1080), (0, 0)),
    ],
)
def test_numbers_to_paste_on_ten_pictures_give_the_true_maps(folder, scale, shift):
    root, gaze = folder
    gaze = dict(list(gaze.items())[:10])

    def recorded(x, y, size):
        return scale[0] * x + shift[0], scale[1] * y + shift[1]

    looked_at.write_table(root / "fixations.csv", gaze, recorded, SIZES)
    (text,) = suspicions_of(root)
    (root / "recording.json").write_text("{" + REMEDY.search(text).group(1) + "}")
    found = study.open_study(root).gaze.by_stem
    correlations = []
    for (stem, value), size in zip(gaze.items(), SIZES * 5, strict=True):
        ours, true = (blurred(one, size) for one in (found[stem], value))
        correlations.append(np.corrcoef(ours.ravel(), true.ravel())[0, 1])
    assert min(correlations) >= 0.99


def blurred(fixations, size):
    """A map of fixations with the usual blur, made by SciPy."""
    counts = np.zeros(size)
    row, column = np.rint(fixations.y).astype(int), np.rint(fixations.x).astype(int)
    inside = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    np.add.at(counts, (row[inside], column[inside]), 1)
    return ndimage.gaussian_filter(counts, 0.03 * max(size))


@pytest.mark.parametrize("scale", [(1.2692, 1.2232), (0.872, 1.2589), (1.5134, 1.3011)])
def test_any_other_scale_is_suspicious_without_numbers_to_paste(folder, scale):
    root, gaze = folder
    gaze = dict(list(gaze.items())[:10])
    looked_at.write_table(
        root / "fixations.csv", gaze, lambda x, y, size: (x / scale[0], y / scale[1])
    )
    (text,) = suspicions_of(root)
    assert not REMEDY.search(text)
    assert re.search("ook up (where the image was|the size of the screen)", text)


def test_a_factor_beside_those_that_are_known_is_told_as_rough(folder):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze, lambda x, y, size: (x * 1.3, y * 1.3))
    (text,) = suspicions_of(root)
    assert "too rough to be used" in text and "dd to recording.json: " not in text
    assert re.search(r'contact sheet: "coordinates": \{"scale": \[0\.7', text)


def test_a_remedy_that_does_not_fit_is_told(folder):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze)
    (root / "recording.json").write_text('{"coordinates": {"flip": "y"}}')
    (text,) = suspicions_of(root)
    assert 'after "coordinates": {"flip": "y"} of recording.json; remove that entry' in text


def test_one_viewer_with_another_convention_is_named(folder):
    root, gaze = folder
    wrong = {}
    for (stem, value), size in zip(gaze.items(), SIZES * 6, strict=True):
        y = np.where(value.viewer == 4, size[0] - 1 - value.y, value.y)
        wrong[stem] = type(value)(value.x, y, value.duration_ms, value.viewer)
    looked_at.write_table(root / "fixations.csv", wrong)
    (text,) = suspicions_of(root)
    assert text.startswith("viewer 4: the other viewers") and "if it is y upwards" in text


def test_gaze_on_other_pictures_than_the_table_says_is_told(folder):
    """Every viewer had the pictures in another order."""
    root, gaze = folder
    stems = list(gaze)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    for viewer in range(6):
        for stem, source in zip(stems, np.roll(stems, 2 * viewer), strict=True):
            mine = gaze[source].viewer == viewer
            points = zip(gaze[source].x[mine], gaze[source].y[mine], strict=True)
            lines += [f"{stem},{viewer},{i},{x},{y},200" for i, (x, y) in enumerate(points)]
    (root / "fixations.csv").write_text("\n".join(lines))
    assert any("look no more alike" in text for text in suspicions_of(root))


def test_viewers_who_agree_on_places_without_anything_are_told(folder):
    """A shift that wraps around: what is cut off on one side is on the other."""
    root, gaze = folder

    def wrapped(x, y, size):
        return (x + 0.4 * size[1]) % size[1], (y + 0.45 * size[0]) % size[0]

    looked_at.write_table(root / "fixations.csv", gaze, wrapped, SIZES)
    text = " ".join(suspicions_of(root))
    assert "look at the same places of a picture, but these are no better explained" in text


def test_coordinates_that_count_from_one_are_named(folder):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze, lambda x, y, size: (x + 1, y + 1))
    with open(root / "fixations.csv", "a") as file:
        file.write("\np00,9,0,320,40,200")  # the last column
    (text,) = suspicions_of(root)
    assert '"coordinates": {"shift": [-1, -1]}' in text


def test_a_scanpath_that_occurs_twice_is_named(folder):
    root, gaze = folder
    looked_at.write_table(root / "fixations.csv", gaze)
    table = (root / "fixations.csv").read_text()
    copies = [f"p03,77{line[5:]}" for line in table.splitlines() if line.startswith("p03,2,")]
    (root / "fixations.csv").write_text("\n".join([table, *copies]))
    (text,) = suspicions_of(root)
    assert "1 scanpaths occur twice: viewer 77 on p03 equals viewer 2 on p03" in text


@pytest.mark.parametrize(
    ("facts", "recorded", "expected"),
    [
        ({}, (3, 4), (3, 4)),
        ({"unit": "share"}, (0.5, 0.25), (49.5, 9.5)),
        ({"unit": "percent", "flip": "y"}, (50, 25), (49.5, 29.5)),
        ({"unit": "norm", "origin": "centre", "flip": "y"}, (0.5, 0.5), (74.5, 9.5)),
        ({"unit": "height", "origin": "centre"}, (1, 0.25), (89.5, 29.5)),
        ({"flip": "xy"}, (0, 1), (99, 38)),
        ({"swap": True}, (3, 80), (80, 3)),
        ({"screen": [300, 200], "fit": "actual"}, (100, 80), (0, 0)),
        ({"screen": [300, 200], "fit": "stretch"}, (148, 97), (49, 19)),
        ({"screen": [300, 200], "fit": "inside"}, (1, 41), (0, 0)),
        ({"scale": [2, 3], "shift": [-1, 5]}, (10, 10), (19, 35)),
    ],
)
def test_coordinates_become_pixels_of_the_image(tmp_path, facts, recorded, expected):
    (tmp_path / "recording.json").write_text(json.dumps({"coordinates": facts}))
    stated = recording.read_recording(tmp_path).coordinates
    x, y = stated.to_image([recorded[0]], [recorded[1]], (40, 100))
    np.testing.assert_allclose([x[0], y[0]], expected)
    again = json.loads("{" + stated.as_json() + "}")["coordinates"]
    assert coordinates.from_facts(again) == stated


@pytest.mark.parametrize(
    ("facts", "pattern"),
    [
        (3, "must be an object with keys among unit, origin"),
        ({"axis": 1}, "must be an object with keys among unit"),
        ({"unit": "degrees"}, "`unit` must be one of 'pixel', 'share'"),
        ({"scale": [1, 0]}, "`scale` must be two numbers above 0"),
        ({"scale": 2}, "`scale` must be two numbers above 0"),
        ({"shift": [1, float("nan")]}, "`shift` must be two numbers"),
        ({"swap": 1}, "`swap` must be true or false"),
        ({"picture": 0.5}, "`picture` must be a whole number"),
    ],
)
def test_wrong_statements_about_coordinates_are_refused(tmp_path, facts, pattern):
    (tmp_path / "recording.json").write_text(json.dumps({"coordinates": facts}))
    with pytest.raises(ValueError, match=rf"recording\.json: `coordinates`: .*{pattern}"):
        recording.read_recording(tmp_path)


def test_a_density_is_one_and_follows_the_spots(pictures):
    root, gaze = pictures
    for stem, value in gaze.items():
        density = np.exp(conspicuity.log_density(root / f"{stem}.png"))
        assert density.mean() == pytest.approx(1)
        with Image.open(root / f"{stem}.png") as image:
            width, height = image.size
        cells = [(value.y * 64 / height).astype(int), (value.x * 64 / width).astype(int)]
        assert density[*cells].mean() > 1.5


def test_a_blank_picture_tells_the_centre_only(tmp_path):
    Image.new("L", (40, 30), 90).save(tmp_path / "a.png")
    density = conspicuity.log_density(tmp_path / "a.png")
    np.testing.assert_allclose(density, density[::-1, ::-1], atol=1e-9)
    assert density.max() == pytest.approx(density[31, 31])


def test_default_coordinates_change_nothing():
    assert Coordinates().as_json() == '"coordinates": {}'
    x, y = Coordinates().to_image([0, 7.25], [3, -9], (10, 10))
    np.testing.assert_allclose([x, y], [[0, 7.25], [3, -9]])


def _fixations(path):
    return fixation_table.Fixations(path.x, path.y, path.duration_ms, path.viewer)


@pytest.mark.real_data
@pytest.mark.parametrize("count", [10, 40])
def test_osie_is_right_as_it_is_and_wrong_upside_down(shared_data, count):
    found = scanpaths.read_scanpaths(shared_data / "osie/data/eye/fixations.mat")
    rng = np.random.default_rng(count)
    names = sorted(rng.choice(list(found), count, replace=False))
    paths = {name: shared_data / "osie/data/stimuli" / name for name in names}
    sizes = dict.fromkeys(names, (600, 800))

    def verdict(move):
        gaze = {
            name: fixation_table.Fixations(
                found[name].x, move(found[name].y), found[name].duration_ms, found[name].viewer
            )
            for name in names
        }
        return conventions.compare(scene.gather(gaze, paths, sizes))

    right, turned = verdict(lambda y: y), verdict(lambda y: 599 - y)
    assert not right.wrong and right.gain > 0.2 and not right.doubtful
    assert turned.best == Coordinates(flip="y") and not turned.rough and not turned.guessed


@pytest.mark.real_data
def test_osie_in_pixels_of_another_screen_is_told_without_an_entry_to_paste(shared_data):
    found = scanpaths.read_scanpaths(shared_data / "osie/data/eye/fixations.mat")
    names = sorted(np.random.default_rng(6).choice(list(found), 10, replace=False))
    paths = {name: shared_data / "osie/data/stimuli" / name for name in names}

    def verdict(across, down):
        gaze = {
            name: dataclasses.replace(value, x=value.x * across, y=value.y * down)
            for name, value in ((name, _fixations(found[name])) for name in names)
        }
        return conventions.compare(scene.gather(gaze, paths, dict.fromkeys(names, (600, 800))))

    ratio = Coordinates(scale=(1.25, 1.3333))
    told = verdict(0.8, 0.75)
    assert told.wrong and told.guessed and ratio in (told.best, *told.rivals)
    assert verdict(1 / 0.9626, 1 / 1.1697).doubtful
