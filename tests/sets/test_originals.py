import hashlib
import pathlib
import shutil
import types

import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.download import checksums

from tfds_builders.common import originals


@pytest.fixture
def manager(tmp_path):
    """The download manager that a build gets, with `manual_dir` under a temporary folder."""
    return tfds.download.DownloadManager(
        download_dir=tmp_path / "downloads",
        manual_dir=tmp_path / "manual",
        manual_dir_instructions="Put the files there.",
    )


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("content")


def test_a_complete_manual_copy_is_found(manager, tmp_path):
    put(tmp_path / "manual", "gaze/a.txt", "b.txt", "unrelated.txt")
    assert originals.manual_copy(manager, ["gaze/a.txt", "b.txt"]) == tmp_path / "manual"


def test_a_folder_of_other_sets_means_none(manager, tmp_path):
    put(tmp_path / "manual", "unrelated.txt")
    assert originals.manual_copy(manager, ["a.txt", "b.txt"]) is None


def test_nothing_in_the_default_place_means_none(tmp_path):
    manager = tfds.download.DownloadManager(
        download_dir=tmp_path,
        manual_dir=tmp_path / "manual",
        manual_dir_instructions="Put the files there.",
    )
    assert originals.manual_copy(manager, ["a.txt"]) is None


@pytest.mark.parametrize("exists", [False, True])
def test_a_named_folder_must_hold_something(manager, tmp_path, exists):
    if exists:
        (tmp_path / "manual").mkdir()
    with pytest.raises(FileNotFoundError, match="(?s)manual does not exist or is empty.*Put the"):
        originals.manual_copy(manager, ["a.txt"])


def test_half_a_copy_names_what_is_missing(manager, tmp_path):
    put(tmp_path / "manual", "b.txt")
    with pytest.raises(FileNotFoundError, match=r"manual holds only a part.*missing: a\.txt, c\."):
        originals.manual_copy(manager, ["a.txt", "b.txt", "c.txt"])


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("no route"), tfds.download.DownloadError("HTTP code: 404")]
)
def test_a_failed_download_names_address_and_remedy(error):
    def fail(urls):
        raise error

    manager = types.SimpleNamespace(download_and_extract=fail)
    with pytest.raises(ConnectionError, match=r"http://b/c\.zip \((no route|.*404)\)\. Copy it"):
        originals.fetch(manager, {"a": "http://b/c.zip"}, "Copy it.")


def test_a_truncated_archive_that_tfds_unpacks_is_refused(manager, tmp_path):
    put(tmp_path / "content", "gaze.txt")
    path = pathlib.Path(shutil.make_archive(str(tmp_path / "set"), "gztar", tmp_path / "content"))
    path.write_bytes(path.read_bytes()[:100])
    pattern = r"set\.tar\.gz must be a whole archive .*Delete it and repeat the download\. Copy it"
    with pytest.raises(ValueError, match=pattern):
        originals.fetch(manager, {"a": str(path)}, "Copy it.")


def test_a_download_of_another_sha256_is_refused(tmp_path):
    put(tmp_path, "gaze.txt")
    url = str(tmp_path / "gaze.txt")
    expected = checksums.UrlInfo(tfds.core.utils.Size(7), "0" * 64, "gaze.txt")
    manager = tfds.download.DownloadManager(
        download_dir=tmp_path / "downloads", url_infos={url: expected}
    )
    pattern = rf"(?s){url} must have the checksum that is listed.*0{{64}}.*Got: .*Repeat.*Copy it"
    with pytest.raises(ValueError, match=pattern):
        originals.fetch(manager, {"a": url}, "Copy it.")


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_size_is_height_and_width(tmp_path, mode, kind):
    Image.new(mode, (31, 5)).save(tmp_path / f"a.{kind}")
    assert originals.image_size(tmp_path / f"a.{kind}") == (5, 31)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_an_image_that_is_cut_short_is_named(tmp_path, kind):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    path = tmp_path / f"a.{kind}"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=rf"a\.{kind} does not decode"):
        originals.image_size(path)


def test_a_file_that_is_no_image_is_named(tmp_path):
    put(tmp_path, "a.jpg")
    with pytest.raises(ValueError, match=r"a\.jpg does not decode"):
        originals.image_size(tmp_path / "a.jpg")


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.jpg is missing.*Unpack"):
        originals.image_size(tmp_path / "a.jpg")


def test_other_channels_are_refused(tmp_path):
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="grey or RGB; got mode CMYK"):
        originals.image_size(tmp_path / "a.jpg")


@pytest.fixture
def archive(tmp_path):
    """A zip archive with one file in a folder, and its MD5."""
    put(tmp_path / "content", "set/gaze.txt")
    path = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "content")
    with open(path, "rb") as file:
        return path, hashlib.file_digest(file, "md5").hexdigest()


def test_what_lies_in_manual_dir_is_not_downloaded(manager, tmp_path):
    put(tmp_path / "manual", "set/gaze.txt")
    published = originals.Published("http://nowhere.invalid/set.zip", inside="other")
    found = originals.obtain(manager, "set", published, "Unpack it.")
    assert found == tmp_path / "manual/set"


@pytest.mark.parametrize("inside", ["set", "", None])
def test_a_download_is_unpacked_as_far_as_it_says(manager, tmp_path, archive, inside):
    put(tmp_path / "manual", "unrelated.txt")
    path, digest = archive
    found = originals.obtain(manager, "set", originals.Published(path, digest, inside), "Unpack.")
    if inside is None:
        assert found.read_bytes() == pathlib.Path(path).read_bytes()
    else:
        assert (found / {"set": "gaze.txt", "": "set/gaze.txt"}[inside]).read_text() == "content"


def test_another_md5_is_refused(manager, tmp_path, archive):
    put(tmp_path / "manual", "unrelated.txt")
    path, digest = archive
    published = originals.Published(path, "0" * 32, "set")
    with pytest.raises(ValueError, match=f"must have the MD5 0{{32}}; got {digest}. Delete it"):
        originals.obtain(manager, "set", published, "Unpack it.")


def test_a_truncated_archive_is_refused(manager, tmp_path, archive):
    put(tmp_path / "manual", "unrelated.txt")
    path = pathlib.Path(archive[0])
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"set\.zip must be a whole archive .*Delete it"):
        originals.obtain(manager, "set", originals.Published(str(path), inside=""), "Unpack it.")


def test_an_address_that_does_not_answer_names_the_file_for_manual_dir():
    def fail(url):
        raise requests.ConnectionError("no route")

    manager = types.SimpleNamespace(download=fail, manual_dir=pathlib.Path("/nowhere"))
    published = originals.Published("http://b/c.zip", inside="set")
    pattern = r"http://b/c\.zip \(no route\)\. Without network: put set into manual_dir\. Unpack it"
    with pytest.raises(ConnectionError, match=pattern):
        originals.obtain(manager, "set", published, "Unpack it.")


def test_files_by_stem_leave_out_hidden_ones(tmp_path):
    put(tmp_path, "b.jpg", "a.jpg", ".a.jpg")
    found = originals.by_stem(tmp_path.glob("*.jpg"), tmp_path)
    assert list(found.items()) == [("a", tmp_path / "a.jpg"), ("b", tmp_path / "b.jpg")]


def test_two_files_with_one_stem_are_named(tmp_path):
    put(tmp_path, "a.jpg", "a.png")
    with pytest.raises(ValueError, match=r"share the name a: .*a\.jpg and .*a\.png\. Remove one"):
        originals.by_stem(tmp_path.glob("*"), tmp_path)


def test_a_folder_without_files_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no file of the set"):
        originals.by_stem(tmp_path.glob("*"), tmp_path)


@pytest.mark.parametrize(
    ("images", "gaze", "pattern"),
    [("abc", "b", "2 names .* without gaze: a, c"), ("b", "ba", "1 names .*without an image: a")],
)
def test_names_without_partner_are_listed(images, gaze, pattern):
    with pytest.raises(ValueError, match=pattern):
        originals.check_partners(images, gaze, "folder")
    originals.check_partners(images, reversed(images), "folder")
