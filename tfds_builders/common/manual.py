"""Sets that cannot be downloaded: their files must lie in `manual_dir`."""

from collections.abc import Sequence

import tensorflow_datasets as tfds


def require(
    dl_manager: tfds.download.DownloadManager, needed: Sequence[str], instructions: str
) -> tfds.core.Path:
    """Returns `manual_dir` after a look whether all files are there.

    Args:
        dl_manager: the download manager of the build.
        needed: paths in `manual_dir` of files or folders.
        instructions: the set's instructions for `manual_dir`.

    Returns:
        `manual_dir`.

    Raises:
        FileNotFoundError: if the folder or a file is absent; the message names each.
    """
    try:
        root = dl_manager.manual_dir
    except AssertionError as error:  # what TFDS raises for a folder that is absent or empty
        raise FileNotFoundError(str(error)) from error
    missing = [name for name in needed if not (root / name).exists()]
    if missing:
        raise FileNotFoundError(f"{root} lacks {', '.join(missing)}. {instructions}")
    return root
