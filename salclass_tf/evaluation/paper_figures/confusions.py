"""Confusion matrices with the accuracy of each class, of what Table 5 is made of."""

import pathlib

from salclass_tf import figures
from salclass_tf.evaluation.paper_figures.settings import Settings
from salclass_tf.evaluation.tables import of_confusions, paper


def draw(settings: Settings) -> list[pathlib.Path]:
    """Draws a picture of each classifier on each set; returns the files.

    What an evaluation has left in the output folder is not computed again.

    Raises:
        ValueError: if no model classifies, or, once the others are drawn, one cannot be scored.
    """
    evaluation = paper.evaluate(
        paper.Settings(
            models=settings.models,
            datasets=settings.datasets,
            tables=(5,),
            split=settings.split,
            data_dir=settings.data_dir,
            manual_dir=settings.manual_dir,
            output=settings.output,
            map_kind=settings.map_kind,
        )
    )
    paths: list[pathlib.Path] = []
    for _, row in evaluation.classes:
        title = f"{row.labels['method']} on {row.labels['data set']}, {len(row.images)} images"
        path = settings.output / of_confusions.file_name(row, 5)
        paths += figures.confusion(of_confusions.counts(row), row.class_names, title, path)
    if evaluation.failures or not paths:
        reasons = evaluation.failures or evaluation.notes or ["no model gives classes"]
        lines = "\n".join(f"  {reason}" for reason in dict.fromkeys(reasons))
        raise ValueError(f"{len(paths) // 2} confusion matrices are drawn; lacking:\n{lines}")
    return paths
