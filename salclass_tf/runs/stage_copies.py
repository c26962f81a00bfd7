"""Finished stages that a second run starts from, too.

python -m salclass_tf.runs.stage_copies STAGE_FOLDER ... RUN_FOLDER
"""

import pathlib
import shutil
import tempfile

from salclass_tf import commandline
from salclass_tf.runs.files import put_folder
from salclass_tf.runs.finished_stage import FinishedStage


def copy_stage(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies what a finished stage has left, whole or not at all; a copy that is there stays.

    Args:
        source: folder of the stage.
        target: folder of the copy, in the folder of another run.

    Raises:
        ValueError: if the stage is not finished, or there is a copy of something else, from which
            more has been trained.
    """
    if target.is_dir():
        if FinishedStage(source).fingerprint != FinishedStage(target).fingerprint:
            raise ValueError(
                f"{source} has been trained again since it was copied to {target}; remove "
                f"{target} and what was trained from it, {target.parent / 'joint'}, so that both "
                "are computed again"
            )
        return
    FinishedStage(source).require_finished()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
        copy = pathlib.Path(folder, target.name)
        copy.mkdir()
        for path in FinishedStage(source).files:
            shutil.copy2(path, copy / path.name)
        put_folder(copy, target)


def main(arguments: list[str]) -> None:
    """Copies the stages that the command line names into a run."""
    *stages, run = map(pathlib.Path, arguments)
    for stage in stages:
        copy_stage(stage, run / stage.name)


if __name__ == "__main__":
    commandline.run(main, takes_arguments=True)
