"""The model card: what a served network is, what it learned from, and how well it did."""

import pathlib
import subprocess

import keras
import tensorflow as tf

from salclass_tf.runs import package
from salclass_tf.runs.finished_stage import FinishedStage


def describe(stage: FinishedStage, facts: dict) -> dict:
    """Returns the model card of an export, in plain types.

    Args:
        stage: what is exported.
        facts: of the export itself.
    """
    return {
        "model": f"SalClassNet, stage {stage.name}",
        "data": stage.metrics["dataset"],
        "test_split": stage.metrics.get("split"),
        "metrics": stage.metrics,
        "config": stage.settings,
        "preparation": {
            "image_size": stage.geometry.image_size,
            "short_side": stage.geometry.short_side,
            "crop": "central",
            "exif_orientation": "ignored, as in training",
        },
        "export": facts,
        "versions": {
            "salclass_tf": package.version(),
            "git_commit": git_commit(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }


def git_commit() -> str | None:
    """Returns the commit of this source code, "-dirty" where it was changed, None outside git."""
    root = pathlib.Path(__file__).parent
    own = ["git", "-C", str(root), "ls-files", "--error-unmatch", "cards.py"]
    name = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        # A package installed inside somebody's repository is not of that repository.
        subprocess.run(own, capture_output=True, check=True)
        return subprocess.run(name, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
