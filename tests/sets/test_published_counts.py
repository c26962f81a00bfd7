"""What whole sets must count, wherever their original files are at hand.

A folder `data/<set>` beside the checkout, or in `SALCLASS_REAL_DATA`, holds the files as the set's
README describes them for `manual_dir`. Counts are those of the fact sheets of the authors and of
pysaliency's tests. OSIE's files were there; the other cases wait for theirs.
"""

import dataclasses

import numpy as np
import pytest
import tensorflow_datasets as tfds

import tfds_builders as tfds_builders


@dataclasses.dataclass(frozen=True)
class Whole:
    """A published set.

    Attributes:
        name: with its configuration.
        images: by split, or in all where a split of ours depends on the names.
        fixations: in the published files: kept and dropped; None where that is not known.
        kept: of them on the image; None likewise.
        of_one: fixations of single images by `image/id`.
        fewest: of an image.
        most: of an image.
        mean: of x and y, 0-based.
        classes: how many.
        sizes: images by (height, width).
    """

    name: str
    images: dict[str, int] | int
    fixations: int | None = None
    kept: int | None = None
    of_one: dict[str, int] = dataclasses.field(default_factory=dict)
    fewest: int | None = None
    most: int | None = None
    mean: tuple[float, float] | None = None
    classes: int | None = None
    sizes: dict[tuple[int, int], int] = dataclasses.field(default_factory=dict)


_SALICON = {"train": 10_000, "validation": 5_000, "test": 5_000}
SETS = [
    Whole("osie", {"train": 500, "test": 200}, 98_321, 98_321, {"1001": 141}, 111, 179),
    Whole("eyecrowd", {"train": 450, "test": 50}, 126_348, 126_348, fewest=206, most=301),
    Whole(
        "pascal_s", {"train": 650, "test": 200}, 40_314, 40_314, {"1": 35}, mean=(240.73, 194.86)
    ),
    Whole("mit1003", {"train": 803, "test": 200}, sizes={(768, 1024): 463}),
    Whole("mit300", {"test": 300}),
    Whole("cat2000", {"train": 2_000, "test": 2_000}, classes=20, sizes={(1080, 1920): 4_000}),
    Whole("isun", {"train": 6_000, "validation": 926, "test": 2_000}),
    Whole("coco_freeview", {"train": 3_714, "validation": 603, "test": 1_000}, 665_005),
    Whole("coco_search18/present", 3_101, classes=18, sizes={(1050, 1680): 3_101}),
    Whole("coco_search18/absent", 3_101, classes=18, sizes={(1050, 1680): 3_101}),
    Whole("figrim/fillers", 2_157, 242_177, classes=21),
    Whole("salicon/2015", _SALICON, 4_834_188),
    Whole("salicon/2017", _SALICON, 7_175_026),
    Whole("poet", {"train": 441, "test": 5_829}, 128_404, 102_519, fewest=7, classes=10),
    Whole("cub_gha", {"train": 5_994, "test": 5_794}, 442_629, classes=200),
]


def total(builder):
    """Fixations of the original files: those that were kept, and those that were dropped."""
    counts = dict(builder.info.metadata)
    return counts["fixations"] + sum(n for name, n in counts.items() if name.startswith("dropped_"))


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("whole", SETS, ids=[whole.name for whole in SETS])
def test_a_whole_set_has_its_counts(tmp_path, shared_data, whole):
    folder = shared_data / whole.name.split("/")[0]
    if not folder.is_dir():
        pytest.skip(f"the original files are not there: {folder}")
    if whole.name == "poet" and not (folder / "POETdataset").is_dir():
        pytest.skip(f"{folder} has two of the ten classes, see test_poet.py")
    if whole.name == "cub_gha" and len(list((folder / "CUB_200_2011/images").iterdir())) < 200:
        pytest.skip(f"{folder} has some of the 200 species, see test_cub_gha.py")
    if whole.name == "figrim/fillers" and not (folder / "fillerData").is_dir():
        pytest.skip(f"{folder} has the targets only, see test_figrim.py")
    builder = tfds.builder(whole.name, data_dir=tmp_path)
    config = tfds.download.DownloadConfig(manual_dir=folder)
    builder.download_and_prepare(download_config=config)
    check(builder, whole)


def check(builder, whole):
    """Compares a build with what is known of the whole set."""
    splits = {name: split.num_examples for name, split in builder.info.splits.items()}
    assert whole.images in (splits, sum(splits.values()))
    if whole.fixations is not None:
        assert total(builder) == whole.fixations
    if whole.kept is not None:
        assert builder.info.metadata["fixations"] == whole.kept
    if whole.classes is not None:
        assert builder.info.features["label"].num_classes == whole.classes
    counts, points = {}, []
    only = tfds.decode.PartialDecoding({"image/id": True, "fixations": {"x", "y"}})
    for part in builder.as_dataset(decoders=only).values():
        for example in tfds.as_numpy(part):
            gaze = example["fixations"]
            counts[example["image/id"].decode()] = len(gaze["x"])
            points.append(np.stack([gaze["x"], gaze["y"]]))
    assert len(counts) == sum(splits.values())
    assert {name: counts[name] for name in whole.of_one} == whole.of_one
    assert whole.fewest in (None, min(counts.values()))
    assert whole.most in (None, max(counts.values()))
    if whole.mean is not None:
        mean = np.concatenate(points, axis=1).astype(float).mean(axis=1)
        np.testing.assert_allclose(mean, whole.mean, atol=5e-3)
    if whole.sizes:
        shapes = [
            example["image"].shape[:2]
            for part in builder.as_dataset().values()
            for example in tfds.as_numpy(part)
        ]
        assert {size: shapes.count(size) for size in whole.sizes} == whole.sizes
