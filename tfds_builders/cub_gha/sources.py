"""Where the images of CUB-200-2011 come from: its authors' files, or a set of TFDS."""

from collections.abc import Iterator

import tensorflow_datasets as tfds

from tfds_builders.common import photographs
from tfds_builders.cub_gha.image_list import read_ids, read_images

TFDS_SET = "caltech_birds2011"


class Unpacked:
    """The authors' archive, unpacked.

    Attributes:
        classes: class by CUB's id.
    """

    def __init__(self, root: tfds.core.Path) -> None:
        """Reads the lists.

        Args:
            root: the folder with `images.txt` and the other lists.

        Raises:
            ValueError: as `read_images` does.
        """
        self._listed = read_images(root)
        self.classes = {image_id: image.class_name for image_id, image in self._listed.items()}

    def photographs(self, split: str) -> Iterator[tuple[int, photographs.Photograph]]:
        """Lists a split.

        Args:
            split: `train` or `test`.

        Yields:
            CUB's id, and the image.
        """
        for image_id, image in self._listed.items():
            if image.split == split:
                stem = image.path.stem
                yield image_id, photographs.Photograph(stem, image.path, image.class_name)


class Prepared:
    """The images of `caltech_birds2011`; CUB's own `images.txt` has the ids, which that set lacks.

    Attributes:
        classes: class by CUB's id.
    """

    def __init__(
        self, list_file: tfds.core.Path, data_dir: tfds.core.Path, instructions: str
    ) -> None:
        """Reads the list.

        Args:
            list_file: `images.txt`.
            data_dir: where prepared sets live.
            instructions: what to do where the set cannot be prepared.

        Raises:
            ValueError: as `read_ids` does.
        """
        self._list_file, self._data_dir, self._instructions = list_file, data_dir, instructions
        self._ids = read_ids(list_file)
        self.classes = {key: file.partition("/")[0] for file, key in self._ids.items()}

    def photographs(self, split: str) -> Iterator[tuple[int, photographs.Photograph]]:
        """Reads a split, one image at a time.

        Args:
            split: `train` or `test`.

        Yields:
            CUB's id, and the image.

        Raises:
            ConnectionError: if the set cannot be prepared.
            ValueError: if the list lacks an image.
        """
        for photograph in photographs.stored(
            TFDS_SET, "image/filename", self._data_dir, self._instructions, only_split=split
        ):
            file = f"{photograph.class_name}/{photograph.stem}.jpg"
            if file not in self._ids:
                raise ValueError(
                    f"{self._list_file} must name every image of {TFDS_SET}; it lacks {file}. Take "
                    "the whole file of CUB-200-2011"
                )
            yield self._ids[file], photograph
