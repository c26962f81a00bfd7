import io
import sys
import tarfile
import types

import builder_case
import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.image_classification import caltech_birds

from tfds_builders.salbirds import salbirds_dataset_builder

# Class, file, training image by CUB's list; gaze on all but the last.
IMAGES = [
    ("009.Brewer_Blackbird", "Brewer_Blackbird_0001_2340.jpg", 1),
    ("009.Brewer_Blackbird", "Brewer_Blackbird_0002_2611.jpg", 0),
    ("010.Red_winged_Blackbird", "Red_Winged_Blackbird_0001_3695.jpg", 1),
    ("011.Rusty_Blackbird", "Rusty_Blackbird_0001_6548.jpg", 0),
]
SEEN = sorted(file.removesuffix(".jpg") for _, file, _ in IMAGES[:3])
SIZE = (20, 24)


def picture(file, kind="JPEG"):
    rng = np.random.default_rng(len(file))
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(stream, kind)
    return stream.getvalue()


def cub_files():
    """CUB-200-2011, the files that readers of it use."""
    numbered = list(enumerate(IMAGES, 1))
    names = sorted({folder for folder, _, _ in IMAGES})
    lists = {
        "images.txt": [f"{n} {folder}/{file}" for n, (folder, file, _) in numbered],
        "image_class_labels.txt": [f"{n} {int(folder[:3])}" for n, (folder, _, _) in numbered],
        "classes.txt": [f"{int(name[:3])} {name}" for name in names],
        "train_test_split.txt": [f"{n} {train}" for n, (_, _, train) in numbered],
        "bounding_boxes.txt": [f"{n} 1.0 2.0 10.0 12.0" for n, _ in numbered],
    }
    files = {name: "\n".join(lines).encode() for name, lines in lists.items()}
    return files | {f"images/{folder}/{file}": picture(file) for folder, file, _ in IMAGES}


def write_cub(root):
    for name, content in cub_files().items():
        path = root / "CUB_200_2011" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def manual(tmp_path):
    root = tmp_path / "manual"
    (root / "salbirds").mkdir(parents=True)
    lines = ["stem,viewer,index,x,y,duration_ms"]
    lines += [f"{stem},3,0,{number},19,-1" for number, stem in enumerate(SEEN)]
    (root / "salbirds/fixations.csv").write_text("\n".join(lines))
    return root


def build(tmp_path, manual_dir):
    return builder_case.prepare(
        salbirds_dataset_builder.Builder(data_dir=tmp_path / "sets"), manual_dir
    )


class TestSalBirds(builder_case.BuilderCase):
    __test__ = True
    DATASET_CLASS = salbirds_dataset_builder.Builder
    SPLITS = {"test": 3}
    BUILDER_CONFIG_NAMES_TO_TEST = ["points"]

    @pytest.fixture
    def original(self, manual):
        write_cub(manual)
        return manual


def check_examples(builder):
    examples = tfds.as_numpy(
        builder.as_dataset(split="test", decoders={"image": tfds.decode.SkipDecoding()})
    )
    found = {example["image/id"].decode(): example for example in examples}
    assert sorted(found) == SEEN
    classes = {file.removesuffix(".jpg"): folder for folder, file, _ in IMAGES}
    for number, stem in enumerate(SEEN):
        example = found[stem]
        assert example["image"] == picture(f"{stem}.jpg")
        assert builder.info.features["label"].int2str(int(example["label"])) == classes[stem]
        assert example["fixations"]["x"].tolist() == [number]
        assert example["fixations"]["duration_ms"].tolist() == [-1]
    # The species without gaze keeps its place among the labels.
    assert builder.info.features["label"].names == sorted(set(classes.values()))
    assert list(builder.info.splits) == ["test"]


def test_gaze_is_joined_to_a_folder_of_cub(tmp_path, manual):
    write_cub(manual)
    builder = build(tmp_path, manual)
    check_examples(builder)
    metadata = builder.info.metadata
    assert (metadata["task"], metadata["viewers"]) == ("classification", 12)
    assert (metadata["sigma_px"], metadata["fixations"]) == (9.0, 3)
    assert "not found" in builder.info.description and "Caltech" in builder.info.citation


def write_archive(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_gaze_is_joined_to_the_tfds_set(tmp_path, manual, monkeypatch):
    """TFDS reads CUB's own archives; Pillow takes the place of OpenCV, which decodes its masks."""
    cub = tmp_path / "CUB_200_2011.tgz"
    masks = tmp_path / "segmentations.tgz"
    write_archive(cub, {f"CUB_200_2011/{name}": data for name, data in cub_files().items()})
    write_archive(
        masks,
        {
            f"segmentations/{folder}/{file[:-4]}.png": picture(file, "PNG")
            for folder, file, _ in IMAGES
        },
    )

    def decode(data, flags):
        return np.array(Image.open(io.BytesIO(data.tobytes())).convert("L"))

    monkeypatch.setitem(sys.modules, "cv2", types.SimpleNamespace(imdecode=decode))
    urls = types.SimpleNamespace(images_url=str(cub), segmentations_url=str(masks))
    monkeypatch.setattr(caltech_birds.CaltechBirds2011, "_caltech_birds_info", urls)
    check_examples(build(tmp_path, manual))


def test_without_photographs_and_network_it_tells_what_to_do(tmp_path, manual, monkeypatch):
    def fail(manager, url):
        raise requests.ConnectionError("no route")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", fail)
    pattern = r"cannot prepare caltech_birds2011 \(no route\).*CUB_200_2011/ in manual_dir"
    with pytest.raises(ConnectionError, match=pattern):
        build(tmp_path, manual)
    left = [path for path in (tmp_path / "sets/salbirds").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {".config"}
