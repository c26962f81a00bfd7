"""ImgSal: eye fixations on 235 pictures of six kinds (Li et al., 2013)."""

from collections.abc import Iterator

import tensorflow_datasets as tfds

from tfds_builders.common import originals, own_layout, photographs

_IMAGES = "imgsal/images"


class Builder(own_layout.OwnLayoutBuilder):
    """Joins images and gaze in a layout of ours; the authors' archive is no longer offered."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The authors' page no longer answers, and the form of their files is not known here. "
        f"Whoever has them may put into manual_dir: {_IMAGES}/<stem>.jpg and "
        "imgsal/fixations.csv (stem,viewer,index,x,y,duration_ms) or imgsal/heatmaps/<stem>.png."
    )
    # No source states the blur of the authors' maps. This is that of SALICON, as large as these.
    SIGMA_PX = 19.0
    SPLIT_SIZES = {"train": 188, "test": 47}

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self._describe(
            facts={
                "task": "free viewing",
                "viewers": 21,
                "viewing_time_s": None,
                "tracker": "Tobii T60",
            },
            homepage="http://www.cim.mcgill.ca/~lijian/database.htm",
            license="unknown",
        )

    def _photographs(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Iterator[photographs.Photograph]:
        """The images."""
        folder = dl_manager.manual_dir / _IMAGES
        for stem, path in originals.by_stem(folder.glob("*.*"), folder).items():
            yield photographs.Photograph(stem, path)
