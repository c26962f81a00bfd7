import dataclasses
import hashlib
import io
import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import tfds_builders
from tfds_builders.gaze_critters import contact_sheet, gaze, kinds, parts, textures
from tfds_builders.gaze_critters import scene as scenes
from tfds_builders.gaze_critters.canvas import Canvas, Frame, oval
from tfds_builders.gaze_critters.gaze_critters_dataset_builder import Builder, observe

CONFIGS = {config.name: config for config in Builder.BUILDER_CONFIGS}
FOLDER = pathlib.Path(tfds_builders.__file__).parent / "gaze_critters"
SAMPLE = 60


@pytest.fixture(scope="module")
def observed():
    return {
        name: [observe(config, "train", i) for i in range(SAMPLE)]
        for name, config in CONFIGS.items()
    }


def _share_near_parts(observations, radius=20.0):
    """Recomputes from the scenes how many fixations lie near a badge or a tail."""
    near, total = 0, 0
    for scene, fixations in observations:
        centres = [(p.x, p.y) for c in scene.critters for p in (c.badge, c.tail)]
        for x, y in zip(fixations["x"], fixations["y"], strict=True):
            near += any(abs(complex(x - a, y - b)) <= radius for a, b in centres)
            total += 1
    return near / total


def test_default_configuration_is_task_and_sizes_are_published():
    others = ["free_viewing", "pretrain", "attended", "collars", "collars_gaze"]
    assert list(CONFIGS) == ["task", *others]
    assert CONFIGS["collars_gaze"].images == {"train": 2880, "validation": 120, "test": 360}
    for name in ("task", "attended", "collars"):
        assert CONFIGS[name].images == {"train": 960, "validation": 120, "test": 360}
    assert CONFIGS["free_viewing"].images == {"train": 600, "test": 120}
    assert CONFIGS["pretrain"].images == {"train": 12000, "validation": 660}


def test_task_and_pretrain_share_no_class_and_cover_all_pairs():
    task, rest = set(kinds.TASK_KINDS), set(kinds.PRETRAIN_KINDS)
    assert len(task) == 12 and len(rest) == 18 and not task & rest
    assert task | rest == {kinds.Kind(b, t) for b in kinds.BADGES for t in kinds.TAILS}
    assert CONFIGS["free_viewing"].kinds == CONFIGS["pretrain"].kinds == kinds.PRETRAIN_KINDS


@pytest.mark.parametrize("chosen", [kinds.TASK_KINDS, kinds.PRETRAIN_KINDS])
def test_no_part_tells_the_class_alone(chosen):
    for badge in kinds.BADGES:
        assert len({k.tail for k in chosen if k.badge == badge}) >= 2
    for tail in kinds.TAILS:
        assert len({k.badge for k in chosen if k.tail == tail}) >= 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("task", "75cac522b5a340eea3ddccb74e17a42d89fa52abd2ab697ef8c37b9641eef5ca"),
        ("free_viewing", "0111027ad1a1f9adfeed33d591bdf3c02506e862d3232c38ea2a60d30d3a43cf"),
        ("pretrain", "4135927ad836ba57fc8960d2dad7d059acdfb62477318013e45d1a6468885ced"),
        ("attended", "9d2b51be4c0b5ded277f0e2711bd27ed83a32ae13018d24c32e466af0f972d50"),
        ("collars", "1d65322b8fa0bd74e8c6184cbb8b4af4b2448d6b91b8ce2ad3f1efe188f16f61"),
    ],
)
def test_pixels_of_this_version_are_pinned(name, expected):
    scene, _ = observe(CONFIGS[name], "train", 3)
    assert hashlib.sha256(np.asarray(scene.picture).tobytes()).hexdigest() == expected


def test_order_of_rendering_changes_no_byte():
    def render(indices):
        out = {i: observe(CONFIGS["task"], "test", i) for i in indices}
        return {
            i: (s.jpeg(), f["x"].tobytes(), f["duration_ms"].tobytes()) for i, (s, f) in out.items()
        }

    first = render([0, 1, 2])
    for cached in (textures._atlas, textures._upper_atlas, textures._borders, oval, parts._curl):
        cached.cache_clear()  # as in a new process
    assert first == render([2, 0, 1])


def test_configurations_splits_and_indices_give_different_pictures():
    pretrain, free = CONFIGS["pretrain"], CONFIGS["free_viewing"]
    renders = [
        observe(config, split, index)[0].jpeg()
        for config, split, index in [
            (pretrain, "train", 0),
            (free, "train", 0),
            (pretrain, "validation", 0),
            (pretrain, "train", 18),
        ]
    ]
    assert len(set(renders)) == 4


def test_picture_sizes_vary_within_the_stated_range(observed):
    sizes = [scene.picture.size for name in observed for scene, _ in observed[name]]
    assert all(320 <= min(size) <= 360 and max(size) <= 420 for size in sizes)
    assert len(set(sizes)) > SAMPLE
    assert any(w > h for w, h in sizes) and any(w < h for w, h in sizes)


def test_jpeg_shows_the_rendered_picture(observed):
    scene, _ = observed["task"][0]
    decoded = np.asarray(Image.open(io.BytesIO(scene.jpeg()))).astype(float)
    difference = np.abs(decoded - np.asarray(scene.picture).astype(float))
    assert decoded.shape == (scene.picture.height, scene.picture.width, 3)
    assert difference.mean() < 10


def test_fixations_lie_in_the_picture(observed):
    for name in ("task", "free_viewing", "attended", "collars"):
        for scene, fixations in observed[name]:
            for axis, side in zip("xy", scene.picture.size, strict=True):
                assert (fixations[axis] >= 0).all() and (fixations[axis] <= side - 1).all()
            assert (fixations["duration_ms"] > 0).all()


def test_fixations_off_the_picture_are_dropped(observed):
    scene, _ = observed["task"][0]
    width, height = scene.picture.size
    aims = np.array([[-60.0, 50.0], [50.0, 60.0], [width + 60.0, 50.0], [50.0, height + 60.0]])
    landed = gaze._landed(np.random.default_rng(0), scene, np.array([0, 1, 2, 3]), aims)
    assert landed["viewer"].tolist() == [1]


def test_task_viewers_are_three_of_eight_with_six_fixations_an_image(observed):
    counts = [len(fixations["x"]) for _, fixations in observed["task"]]
    viewers = [set(fixations["viewer"].tolist()) for _, fixations in observed["task"]]
    assert 5.5 <= np.mean(counts) <= 7.0
    assert all(len(seen) <= 3 for seen in viewers)
    assert set.union(*viewers) == set(range(CONFIGS["task"].viewers))


def test_free_viewers_are_ten_with_six_fixations_each(observed):
    counts = [len(fixations["x"]) for _, fixations in observed["free_viewing"]]
    viewers = [set(fixations["viewer"].tolist()) for _, fixations in observed["free_viewing"]]
    assert 50 <= np.mean(counts) <= 70
    assert set.union(*viewers) == set(range(CONFIGS["free_viewing"].viewers))


def test_task_gaze_is_on_the_parts_and_free_gaze_is_not(observed):
    assert _share_near_parts(observed["task"]) > 0.7
    assert _share_near_parts(observed["free_viewing"]) < 0.15


def test_free_gaze_prefers_the_louder_objects(observed):
    louder, softer = 0, 0
    for scene, fixations in observed["free_viewing"]:
        if len(scene.distractors) < 2:
            continue
        ranked = sorted(scene.distractors, key=lambda d: d.loudness)
        xy = np.stack([fixations["x"], fixations["y"]], axis=-1)
        hits = [
            int((np.hypot(*(xy - (d.frame.x, d.frame.y)).T) < 25).sum())
            for d in (ranked[0], ranked[-1])
        ]
        softer, louder = softer + hits[0], louder + hits[1]
    assert louder > 1.3 * softer


@pytest.mark.parametrize("name", ["attended", "collars"])
def test_pairs_show_two_classes_and_gaze_tells_which_is_meant(observed, name):
    near = {0: 0, 1: 0}
    for index, (scene, fixations) in enumerate(observed[name]):
        first, other = scene.critters
        assert first.kind == kinds.TASK_KINDS[index % 12] != other.kind
        half = 299 / 340 * min(scene.picture.size) / 2
        for number, one in enumerate(scene.critters):
            assert (np.abs(one.centres - np.array(scene.picture.size) / 2) < half - 10).all()
            for x, y in zip(fixations["x"], fixations["y"], strict=True):
                near[number] += np.hypot(*(one.centres - (x, y)).T).min() < 20
    assert near[0] > 20 * near[1]


def test_nothing_but_gaze_tells_which_critter_is_meant():
    left = larger = higher = 0
    seen = 120
    for index in range(seen):
        scene, _ = observe(CONFIGS["attended"], "train", index)
        first, other = (one.frame for one in scene.critters)
        left += first.x < other.x
        higher += first.y < other.y
        larger += first.scale > other.scale
    # Three deviations of as many tosses of a coin.
    for count in (left, larger, higher):
        assert abs(count - seen / 2) < 3 * np.sqrt(seen) / 2


def test_collar_of_two_bands_is_on_the_critter_that_is_looked_at(observed):
    yellow = (250, 240, 120)
    for scene, _ in observed["collars"]:
        # Front band and hind band, below the head.
        at = np.array([[0.33, 0.1], [0.24, 0.1]])
        bands = []
        for one in scene.critters:
            places = np.round(one.frame.to_picture(at)).astype(int).tolist()
            bands.append([scene.picture.getpixel(tuple(place)) == yellow for place in places])
        assert bands == [[True, True], [True, False]]


def test_pictures_with_labels_are_the_first_of_those_with_gaze(observed):
    for (scene, fixations), (few, same) in zip(
        observed["collars"], observed["collars_gaze"], strict=True
    ):
        assert scene.jpeg() == few.jpeg()
        np.testing.assert_array_equal(fixations["x"], same["x"])


def test_pretrain_has_no_gaze(observed):
    assert all(len(fixations["x"]) == 0 for _, fixations in observed["pretrain"])


def test_parts_of_the_first_critter_are_in_the_central_crop(observed):
    for name in ("task", "free_viewing"):
        for scene, _ in observed[name]:
            middle = np.array(scene.picture.size) / 2
            half = 299 / 340 * min(scene.picture.size) / 2
            assert (np.abs(scene.critters[0].centres - middle) < half - 10).all()


def test_decoys_and_loud_objects_keep_clear_of_the_parts(observed):
    for name in ("task", "free_viewing"):
        for scene, _ in observed[name]:
            for thing in scene.distractors + scene.decoys:
                at = np.array([thing.frame.x, thing.frame.y])
                gap = np.hypot(*(scene.critters[0].centres - at).T).min()
                assert gap > thing.frame.scale / 2 + 15


def test_some_pictures_have_company_of_the_same_class():
    company = 0
    for i in range(150):
        scene, _ = observe(CONFIGS["task"], "train", i)
        company += len(scene.critters) == 2
        assert {c.kind for c in scene.critters} == {kinds.TASK_KINDS[i % 12]}
    assert 0.05 <= company / 150 <= 0.25


def test_each_part_is_drawn_where_the_scene_says(observed):
    drawn = set()
    for shape in (*kinds.BADGES, *kinds.TAILS):
        canvas = Canvas(Image.new("RGB", (80, 60), (128, 128, 128)))
        frame = Frame(50.0, 25.0, 20.0, 0.3, mirrored=True)
        if shape in kinds.BADGES:
            parts.draw_badge(canvas, frame, shape, (0, 0, 0), (200, 200, 200))
        else:
            parts.draw_tail(canvas, frame, shape, (255, 255, 255), (0, 0, 0))
        pixels = np.asarray(canvas.picture()).astype(int)
        rows, columns = np.nonzero((pixels != 128).any(axis=-1))
        assert np.hypot(columns.mean() - 50, rows.mean() - 25) < 7
        assert len(rows) > 60
        drawn.add(pixels.tobytes())
    assert len(drawn) == len(kinds.BADGES) + len(kinds.TAILS)


def test_unknown_badge_is_refused():
    with pytest.raises(ValueError, match="no such badge: 'moon'"):
        parts.draw_badge(
            Canvas(Image.new("RGB", (8, 8))), Frame(4, 4, 4), "moon", (0, 0, 0), (0, 0, 0)
        )


def test_frame_matches_rotation_by_hand():
    frame = Frame(10.0, 20.0, 2.0, np.pi / 2)
    np.testing.assert_allclose(frame.to_picture(np.array([[1.0, 0.0]])), [[10.0, 22.0]])
    np.testing.assert_allclose(frame.to_picture(np.array([[0.0, 1.0]])), [[8.0, 20.0]])
    mirrored = dataclasses.replace(frame, mirrored=True)
    np.testing.assert_allclose(mirrored.to_picture(np.array([[0.0, 1.0]])), [[12.0, 20.0]])


def test_child_frame_turns_with_its_parent():
    for mirrored in (False, True):
        parent = Frame(3.0, 4.0, 5.0, 0.4, mirrored)
        child = parent.child(0.2, 0.1, 5.0, 0.7)
        turned = np.array([[0.2 + np.cos(0.7), 0.1 + np.sin(0.7)]])
        np.testing.assert_allclose(
            child.to_picture(np.array([[1.0, 0.0]])), parent.to_picture(turned)
        )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("critters")
    builders = {}
    for name in ("task", "pretrain"):  # with and without gaze
        config = CONFIGS[name]
        tiny = dataclasses.replace(
            config, name=f"tiny_{name}", images={split: 3 for split in config.images}
        )
        builders[name] = Builder(config=tiny, data_dir=folder)
        builders[name].download_and_prepare()
    return builders


@pytest.mark.parametrize("name", ["task", "pretrain"])
def test_prepared_examples_are_the_rendered_ones(prepared, name):
    builder = prepared[name]
    assert set(builder.info.splits) == set(CONFIGS[name].images)
    for split in CONFIGS[name].images:
        examples = {e["image/id"].decode(): e for e in tfds.as_numpy(builder.as_dataset(split))}
        assert sorted(examples) == [f"{split}_{i:05d}" for i in range(3)]
        for i in range(3):
            example = examples[f"{split}_{i:05d}"]
            scene, fixations = observe(CONFIGS[name], split, i)
            expected = np.asarray(Image.open(io.BytesIO(scene.jpeg()))).astype(int)
            assert example["image"].shape == expected.shape
            assert np.abs(example["image"].astype(int) - expected).mean() < 2
            label = builder.info.features["label"].int2str(int(example["label"]))
            assert label == CONFIGS[name].class_names[i]
            assert not scene.critters or label == scene.critters[0].kind.name
            for key in ("x", "y", "duration_ms", "viewer"):
                np.testing.assert_array_equal(example["fixations"][key], fixations[key])


def test_metadata_and_description_are_there(prepared, tmp_path):
    info = prepared["task"].info
    assert info.metadata["sigma_px"] == 30.0
    assert info.metadata["task"] == "classification"
    assert info.metadata["viewers"] == 8
    assert Builder(config="free_viewing", data_dir=tmp_path).info.metadata["sigma_px"] == 30.0
    assert "simulated" in info.description and "Murabito" in info.citation
    assert info.features["label"].names == [f"{k.badge}_{k.tail}" for k in kinds.TASK_KINDS]


def test_close_up_is_the_enlarged_surroundings_of_a_part():
    rng = np.random.default_rng(0)
    rendered = scenes.render(rng, kinds.TASK_KINDS[0])
    at = rendered.critters[0].centres[1]
    shown = scenes.close_up(rng, rendered, at).picture
    assert 320 <= shown.width == shown.height <= 360
    # Somewhere within the allowed miss, the enlarged window is found again in the scene.
    small = np.asarray(shown.resize((150, 150))).astype(float)
    whole = np.asarray(rendered.picture).astype(float)
    left, top = np.clip(at - 100, 0, None).astype(int)
    gaps = {
        (x, y): np.abs(whole[y : y + 150, x : x + 150] - small).mean()
        for y in range(top, min(top + 51, whole.shape[0] - 149))
        for x in range(left, min(left + 51, whole.shape[1] - 149))
    }
    assert min(gaps.values()) < 0.5 * np.median(list(gaps.values()))


def test_close_ups_show_each_part_in_turn_on_critters_of_no_task_class():
    assert CONFIGS["pretrain"].class_names == kinds.PARTS
    assert not CONFIGS["task"].close_ups and not CONFIGS["free_viewing"].close_ups


def test_name_is_registered():
    assert tfds.builder_cls("gaze_critters") is Builder


def test_contact_sheet_is_of_this_version():
    stored = FOLDER / "contact_sheet.png"
    assert stored.stat().st_size <= 550_000
    fresh = contact_sheet.contact_sheet()
    shown = Image.open(stored).convert("RGB")
    assert shown.size == fresh.size
    difference = np.abs(np.asarray(shown).astype(int) - np.asarray(fresh).astype(int))
    assert difference.mean() < 12  # the file has a palette
