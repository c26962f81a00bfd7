"""Maps over their images."""

import pathlib

from salclass_tf import figures
from salclass_tf.evaluation.paper_figures import file_names, picture_rows
from salclass_tf.evaluation.paper_figures.settings import Settings


def draw(settings: Settings) -> list[pathlib.Path]:
    """Draws each method's maps over the images of each set; returns the files."""
    opened = settings.open()
    paths = []
    for one in opened.sets:
        for method in opened.map_givers():
            dataset = opened.scored(one, method.geometry)
            chosen, how = settings.chosen(dataset)
            rows = [
                picture_rows.standardised(row)
                for row in picture_rows.rows((method,), dataset, chosen)
            ]
            pictures = [
                figures.Overlay(
                    row.image, row.maps[0], row.xy, f"{row.name}: {figures.caption(row.scores[0])}"
                )
                for row in rows
            ]
            title = f"{method.name} on {dataset.title}\n{how}; rings: fixations"
            path = settings.output / file_names.of_set("overlays", method.name, dataset)
            paths += figures.overlays(pictures, title, path, picture_rows.deviations(rows))
    return paths
