"""SalFlowers: gaze of people who tell kinds of flowers apart (Murabito et al., 2018)."""

from collections.abc import Iterator

import tensorflow_datasets as tfds

from tfds_builders.common import matlab, originals, own_layout, photographs

_SOURCE = "oxford_flowers102"
_IMAGES = "jpg"  # what `102flowers.tgz` unpacks to
_LABELS = "imagelabels.mat"


class Builder(own_layout.OwnLayoutBuilder):
    """Joins gaze in a layout of ours to the photographs of Oxford Flowers 102."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "The gaze of SalFlowers is not public as far as is known. Whoever has it may put it into "
        "manual_dir: salflowers/fixations.csv (stem,viewer,index,x,y,duration_ms) or "
        "salflowers/heatmaps/<stem>.png with stems such as image_00001. The photographs are those "
        f"of the set {_SOURCE}; {_IMAGES}/<stem>.jpg with {_LABELS} in manual_dir is used instead."
    )
    SIGMA_PX = 9.0  # that of SalDogs: same people, same protocol
    SPLIT_SIZES = {"test": 400}

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the counts are filled in by the build."""
        return self._describe(
            tfds.features.ClassLabel(names=self._flowers()),
            facts={
                "task": "classification",
                "viewers": 12,
                "viewing_time_s": None,
                "tracker": "Tobii T60",
            },
            supervised_keys=("image", "label"),
            homepage="https://arxiv.org/abs/1709.05307",
            license="gaze: unknown; images: as Oxford Flowers 102",
        )

    def _flowers(self) -> list[str]:
        """The 102 names in TFDS's order, which is that of the labels."""
        source = tfds.builder(_SOURCE, data_dir=self.data_dir_root)
        return source.info.features["label"].names

    def _photographs(
        self, dl_manager: tfds.download.DownloadManager
    ) -> Iterator[photographs.Photograph]:
        """The images of Oxford Flowers 102."""
        root = dl_manager.manual_dir
        if (root / _IMAGES).is_dir():
            found = self._unpacked(root / _IMAGES, root / _LABELS)
        else:
            found = photographs.stored(
                _SOURCE, "file_name", self.data_dir_root, self.MANUAL_DOWNLOAD_INSTRUCTIONS
            )
        yield from found

    def _unpacked(
        self, folder: tfds.core.Path, label_file: tfds.core.Path
    ) -> Iterator[photographs.Photograph]:
        """The images of the authors' archive, with their list of labels, 1 to 102."""
        names = self._flowers()
        labels = matlab.read_variable(label_file, "labels").ravel()
        for stem, path in originals.by_stem(folder.glob("image_*.jpg"), folder).items():
            number = int(stem.removeprefix("image_"))
            if not 1 <= number <= len(labels):
                raise ValueError(
                    f"{label_file} must have a label for {path}; it has {len(labels)}. Both must "
                    "be of one edition"
                )
            yield photographs.Photograph(stem, path, names[labels[number - 1] - 1])
