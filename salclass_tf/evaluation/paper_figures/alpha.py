"""Fig. 4: accuracy and map error against the weight of the class error."""

import pathlib

from salclass_tf import figures
from salclass_tf.evaluation.methods import find
from salclass_tf.evaluation.paper_figures import file_names, sweeps
from salclass_tf.evaluation.paper_figures.settings import Settings


def draw(settings: Settings) -> list[pathlib.Path]:
    """Draws what `train.py --sweep_alpha` has left in each run; returns the files."""
    paths = []
    for text in settings.models:
        label, folder = find.split(text)
        found, facts = sweeps.read(folder)
        title = f"{label or folder.name} on {facts}"
        path = settings.output / file_names.slug(f"fig4 {label or folder.name}")
        paths += figures.alpha_curves(found, title, path)
    return paths
