"""CUB-GHA: gaze of people who tell look-alike birds apart (Rong et al., 2021), on CUB-200-2011."""

from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow_datasets as tfds

from tfds_builders import originals, schema
from tfds_builders.cub_gha.image_list import Listed, read_images
from tfds_builders.cub_gha.recordings import Recording, read_run

_REPOSITORY = "yaorong0921/CUB-GHA"
_COMMIT = "d182dcfaaca28a7747dded9202eec55c274ace13"
_RUNS = tuple(f"data_5runs/Fixation_run{number}.txt" for number in range(1, 6))
_RUN_URL = f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}"
_CUB = "CUB_200_2011"
_CUB_LISTS = ("images.txt", "image_class_labels.txt", "classes.txt", "train_test_split.txt")
_CUB_URL = "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1"


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds CUB-GHA from copies in `manual_dir`, and downloads the half that is not there."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Initial release."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"manual_dir may hold {_CUB}/ (unpacked from {_CUB_URL}, all classes or some with the "
        f"lists cut to them) and data_5runs/ (from https://github.com/{_REPOSITORY})."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        """Describes the set; the build fills in the counts and the classes that are there."""
        return self.dataset_info_from_configs(
            features=schema.gaze_features(label=tfds.features.ClassLabel()),
            supervised_keys=("image", "label"),
            homepage=f"https://github.com/{_REPOSITORY}",
            license="images: non-commercial research use; gaze: no licence stated",
            metadata=tfds.core.MetadataDict(
                # The authors blur by 75 pixels of a 1920x1080 screen. The run files do not tell how
                # large the images stood on it; one that fills its height is enlarged 2.8 times,
                # which makes 75 pixels 27: a bird is one spot then. 20 lies among the widths used
                # on photographs of this size (SALICON 19, OSIE 24) and keeps its parts apart. The
                # mean training map of 14 species has CC 0.45 with the test maps (27: 0.52).
                sigma_px=20.0,
                task="classification",
                viewers=len(_RUNS),
                viewing_time_s=None,
                tracker=None,
            ),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterable[tuple[int, dict]]]:
        """Joins images and recordings; CUB's own split."""
        images = read_images(self._cub_folder(dl_manager))
        runs = [read_run(path, images) for path in self._run_files(dl_manager)]
        # Only now is it known which classes are there; TFDS stores the names with the set.
        self.info.features["label"].names = sorted({image.class_name for image in images.values()})
        self.info.metadata.update(fixations=0, dropped_carried_over=0, dropped_off_image=0)
        return {
            split: self._generate_examples(
                {key: image for key, image in images.items() if image.split == split}, runs
            )
            for split in ("train", "test")
        }

    def _cub_folder(self, dl_manager: tfds.download.DownloadManager) -> tfds.core.Path:
        """Finds or fetches CUB-200-2011."""
        needed = [f"{_CUB}/{name}" for name in (*_CUB_LISTS, "images")]
        root = originals.manual_copy(dl_manager, needed)
        if root is None:
            root = self._fetch(dl_manager, {_CUB: _CUB_URL})[_CUB]
        return root / _CUB

    def _run_files(self, dl_manager: tfds.download.DownloadManager) -> list[tfds.core.Path]:
        """Finds or fetches the five recordings, in order."""
        root = originals.manual_copy(dl_manager, _RUNS)
        if root is not None:
            return [root / run for run in _RUNS]
        fetched = self._fetch(dl_manager, {run: f"{_RUN_URL}/{run}" for run in _RUNS})
        return [fetched[run] for run in _RUNS]

    def _fetch(
        self, dl_manager: tfds.download.DownloadManager, urls: dict[str, str]
    ) -> dict[str, tfds.core.Path]:
        """Downloads, and tells what to do where that fails."""
        remedy = f"Without network: {self.MANUAL_DOWNLOAD_INSTRUCTIONS}"
        return originals.fetch(dl_manager, urls, remedy)

    def _generate_examples(
        self, images: dict[int, Listed], runs: list[dict[int, list[Recording]]]
    ) -> Iterator[tuple[int, dict]]:
        """Yields the images of one split; the JPEG bytes pass through as they are."""
        for image_id, image in images.items():
            size = originals.image_size(image.path)
            showings = [
                (viewer, recording)
                for viewer, run in enumerate(runs)
                for recording in run.get(image_id, ())
            ]
            yield (
                image_id,
                {
                    "image": image.path,
                    "image/id": str(image_id),
                    "label": image.class_name,
                    "fixations": self._join(showings, size),
                },
            )

    def _join(
        self, showings: list[tuple[int, Recording]], size: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        """Joins all showings of one image and counts what was kept and dropped."""
        for _, recording in showings:
            if recording.size != size:
                raise ValueError(
                    f"{recording.source} gives (height, width) {recording.size}, "
                    f"the image has {size}; the file belongs to another edition of CUB-200-2011"
                )
        triples = np.concatenate([np.empty((0, 3), np.int64), *(r.triples for _, r in showings)])
        viewer = [v for v, recording in showings for _ in recording.triples]
        source = showings[0][1].source if showings else "no recording"
        fixations, dropped = schema.fixation_rows(*triples.T, viewer, size=size, source=source)
        counts = self.info.metadata
        counts["fixations"] += len(fixations["x"])
        counts["dropped_carried_over"] += sum(r.carried_over for _, r in showings)
        counts["dropped_off_image"] += dropped
        return fixations
