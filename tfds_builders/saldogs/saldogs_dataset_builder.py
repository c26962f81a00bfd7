"""SalDogs: gaze of people who tell breeds of dogs apart (Murabito et al., 2018)."""

import dataclasses
from collections.abc import Iterator

import tensorflow_datasets as tfds

from tfds_builders.common import own_layout, photographs

_IMAGES = "Images"  # what `images.tar` of Stanford Dogs unpacks to


class Builder(own_layout.OwnLayoutBuilder):
    """Joins gaze in a layout of ours to the photographs of Stanford Dogs."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The gaze of SalDogs is not public as far as is known. Whoever has it may put it into "
        "manual_dir: saldogs/fixations.csv (stem,viewer,index,x,y,duration_ms) or "
        "saldogs/heatmaps/<stem>.png with stems such as n02085620_10074, and, if known, "
        "saldogs/splits/train.txt, val.txt and test.txt. The photographs are those of the set "
        f"stanford_dogs; {_IMAGES}/<wnid>-<breed>/<stem>.jpg in manual_dir is used instead."
    )
    # The paper does not give its blur. Its Table 4 has an NSS of 11.2 for people, with 6 points an
    # image; maps of about this blur reach that (11.0) on as many points of POET.
    SIGMA_PX = 9.0
    SPLIT_SIZES = {"train": 8005, "validation": 928, "test": 928}

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the build fills in the counts and the breeds."""
        return self._describe(
            tfds.features.ClassLabel(),
            facts={
                "task": "classification",
                "viewers": 12,
                "viewing_time_s": None,
                "tracker": "Tobii T60",
            },
            supervised_keys=("image", "label"),
            homepage="https://arxiv.org/abs/1709.05307",
            license="gaze: unknown; images: ImageNet's terms, non-commercial research",
        )

    def _photographs(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Iterator[photographs.Photograph]:
        """The images of Stanford Dogs; breeds in lower case, as TFDS has them."""
        folder = dl_manager.manual_dir / _IMAGES
        if folder.is_dir():
            found = (
                photographs.Photograph(path.stem, path, path.parent.name)
                for path in sorted(folder.glob("*/*.jpg"))
            )
        else:
            found = photographs.stored(
                "stanford_dogs",
                "image/filename",
                self.data_dir_root,
                self.MANUAL_DOWNLOAD_INSTRUCTIONS,
            )
        for photograph in found:
            yield dataclasses.replace(photograph, class_name=photograph.class_name.lower())
