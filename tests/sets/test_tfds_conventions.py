"""What all builders have in common; TFDS's own `DatasetBuilderTestCase` is run beside each."""

import importlib
import inspect
import pathlib
import subprocess
import sys

import pytest
import tensorflow_datasets as tfds

import tfds_builders
from tfds_builders.common import originals

ROOT = pathlib.Path(tfds_builders.__file__).parent
NAMES = sorted(path.parent.name for path in ROOT.glob("*/*_dataset_builder.py"))
MODULES = {
    name: importlib.import_module(f"tfds_builders.{name}.{name}_dataset_builder") for name in NAMES
}

# No source states a checksum of these. GitHub packs the first on request, so it has no lasting one.
# What guards them: names must be those of images and gaze, sizes those of the images.
UNVERIFIED = {
    "https://github.com/NUS-VIP/saliency-in-crowd/archive/master.zip",
    "http://people.csail.mit.edu/tjudd/WherePeopleLook/ALLFIXATIONMAPS.zip",
    "https://www.dropbox.com/s/7t2sc4m92hhtzm2/fixations_train2014.json.zip?dl=1",
    "https://www.dropbox.com/s/bgo91bnoqk3m5ja/fixations_val2014.json.zip?dl=1",
}
# TFDS's test of a builder prepares all of it: here that is 2,160 rendered pictures.
RENDERED = {"gaze_critters"}


def published(value):
    """All `Published` in a module's variable."""
    if isinstance(value, originals.Published):
        return [value]
    if isinstance(value, dict):
        return [found for item in value.values() for found in published(item)]
    return []


def test_every_builder_of_the_package_is_registered():
    assert set(NAMES) <= set(tfds.list_builders(with_community_datasets=False))
    expected = {f"{name}_dataset_builder" for name in NAMES}
    assert {name for name in vars(tfds_builders) if name.endswith("_dataset_builder")} == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_has_description_citation_and_tags(name):
    for file in ("README.md", "CITATIONS.bib", "TAGS.txt", "__init__.py"):
        assert (ROOT / name / file).read_text().strip()
    metadata = MODULES[name].Builder.get_metadata()
    assert metadata.description.startswith("#") and "@" in metadata.citation
    assert metadata.tags and not set(metadata.tags) - set(tfds.core.dataset_metadata.valid_tags())


@pytest.mark.parametrize("name", NAMES)
def test_every_download_is_verified_or_it_is_known_why_not(name):
    """TFDS verifies SHA-256 by `checksums.tsv`; where sources state an MD5, a build compares it."""
    module = MODULES[name]
    listed = module.Builder.url_infos or {}
    for file in [found for value in vars(module).values() for found in published(value)]:
        verified = file.url in listed or file.md5 is not None
        assert verified != (file.url in UNVERIFIED), file.url
    for url, info in listed.items():
        assert len(info.checksum) == 64 and info.size > 0, url


@pytest.mark.parametrize("name", sorted(set(NAMES) - RENDERED))
def test_every_builder_passes_the_test_of_tfds(name):
    """A module without such a class would go unnoticed."""
    text = (pathlib.Path(__file__).parent / f"test_{name}.py").read_text()
    assert "(builder_case.BuilderCase):" in text and "DATASET_CLASS = " in text


def test_metadata_of_a_gaze_set_have_the_same_keys():
    facts = {"sigma_px", "task", "viewers", "viewing_time_s", "tracker"}
    for name in set(NAMES) - {"gaze_folder", "pysaliency_folder"}:  # facts are the folder's
        builder = MODULES[name].Builder
        for config in builder.BUILDER_CONFIGS or [None]:
            metadata = builder(config=config).info.metadata
            assert set(metadata) >= facts, name


def test_the_builders_need_nothing_of_the_training_code():
    """And a user who has no `salclass_tf` loads a set; optional packages are not imported."""
    code = """
import sys
for name in ("salclass_tf", "pymovements", "apache_beam", "mlcroissant", "matplotlib", "cv2"):
    sys.modules[name] = None
import tensorflow_datasets as tfds
import tfds_builders
import tfds_builders.gaze_folder.__main__
assert "tensorflow" not in sys.modules  # seconds, before a folder is even looked at
assert len(tfds_builders.__dict__) > 18
for name in sys.argv[1:]:
    assert "fixations" in tfds.builder(name).info.features, name
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *NAMES], cwd=ROOT.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_instructions_name_files():
    for name, module in MODULES.items():
        if name in RENDERED:
            continue
        text = module.Builder.MANUAL_DOWNLOAD_INSTRUCTIONS
        assert "manual_dir" in text and len(text) > 80, name
        assert inspect.getdoc(module.Builder), name
