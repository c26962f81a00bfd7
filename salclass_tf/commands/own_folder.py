"""A folder of own gaze, looked at before TensorFlow is imported."""

import pathlib

# Larger studies are read once, by the plan: a second reading would take longer than it saves.
_READ_AT_ONCE = 20_000_000


def check(manual_dir: str, data_dir: str | None) -> None:
    """Names what is wrong with a folder of own gaze, within a second or two.

    Args:
        manual_dir: the folder.
        data_dir: where prepared data sets live, None for TFDS' own place.

    Raises:
        ValueError: if no data set can be built from the folder; the message says why.
    """
    # A second that `--help` does not take.
    from tfds_builders.gaze_folder import gaze_folder_dataset_builder, images

    files = [path for path in pathlib.Path(manual_dir).rglob("*") if path.is_file()]
    texts = [path for path in files if path.suffix.lower() not in images.SUFFIXES]
    if sum(path.stat().st_size for path in texts) > _READ_AT_ONCE:
        return
    builder = gaze_folder_dataset_builder.Builder(data_dir=data_dir)
    try:
        builder.check_files(manual_dir)
    except (ImportError, OSError) as error:
        raise ValueError(f"cannot prepare {builder.info.full_name}: {error}") from error
