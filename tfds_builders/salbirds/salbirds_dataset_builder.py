"""SalBirds: gaze of people who tell species of birds apart (Murabito et al., 2018)."""

from collections.abc import Iterator

import tensorflow_datasets as tfds

from tfds_builders.common import own_layout, photographs
from tfds_builders.cub_gha.image_list import read_images

_CUB = "CUB_200_2011"


class Builder(own_layout.OwnLayoutBuilder):
    """Joins gaze in a layout of ours to the photographs of CUB-200-2011."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The gaze of SalBirds is not public as far as is known. Whoever has it may put it into "
        "manual_dir: salbirds/fixations.csv (stem,viewer,index,x,y,duration_ms) or "
        "salbirds/heatmaps/<stem>.png with stems such as Brewer_Blackbird_0001_2340. The "
        f"photographs are those of CUB-200-2011: {_CUB}/ in manual_dir, or else the set "
        "caltech_birds2011, whose preparation needs the package opencv-python."
    )
    SIGMA_PX = 9.0  # that of SalDogs: same people, same protocol
    SPLIT_SIZES = {"test": 400}

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the build fills in the counts and the species."""
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
            license="gaze: unknown; images: non-commercial research use",
        )

    def _photographs(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Iterator[photographs.Photograph]:
        """The images of CUB-200-2011; species are folder names, as in `cub_gha`."""
        folder = dl_manager.manual_dir / _CUB
        if folder.is_dir():
            found = (
                photographs.Photograph(listed.path.stem, listed.path, listed.class_name)
                for listed in read_images(folder).values()
            )
        else:
            found = photographs.stored(
                "caltech_birds2011",
                "image/filename",
                self.data_dir_root,
                self.MANUAL_DOWNLOAD_INSTRUCTIONS,
            )
        yield from found
