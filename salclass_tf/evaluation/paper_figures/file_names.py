"""Names of the pictures' files."""

import re

from salclass_tf.evaluation.methods.evaluated_sets import EvaluatedSet


def of_set(kind: str, label: str, dataset: EvaluatedSet) -> str:
    """Returns the name of a picture of one set: what it is, of which model, on what."""
    return slug(f"{kind} {label} {dataset.name} {dataset.split}")


def slug(text: str) -> str:
    """Returns text as the name of a file."""
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")
