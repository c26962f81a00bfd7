"""Saves detectors with the weights of their authors, as networks that `evaluate.py` takes.

python -m salclass_tf.pretrained.released FOLDER salicon salnet [--image_size=299]
"""

import pathlib
from collections.abc import Iterable

from absl import flags

from salclass_tf import commandline
from salclass_tf.detectors import build_detector
from salclass_tf.runs.files import whole


def save(folder: pathlib.Path, names: Iterable[str], image_size: int = 299) -> None:
    """Saves `<folder>/<name>.keras` for each detector, whatever becomes of the others.

    Args:
        folder: made if it is not there.
        names: of detectors whose authors have released weights.
        image_size: side of the square images, in pixels.

    Raises:
        ValueError: naming all detectors that cannot be loaded, and why.
    """
    names, failures = tuple(names), []
    for name in names:
        try:
            network = build_detector(name, image_size=image_size, weights="released")
            with whole(folder / f"{name}.keras") as unfinished:
                network.save(unfinished)
        except (ValueError, OSError) as error:
            failures.append(f"  {name}: " + str(error).replace("\n", "\n    "))
    if failures:
        lines = "\n".join(failures)
        raise ValueError(
            f"{len(failures)} of {len(names)} released detectors are not there:\n{lines}"
        )


if __name__ == "__main__":
    flags.DEFINE_integer("image_size", 299, "Side of the square images, in pixels.")
    commandline.run(
        lambda given: save(pathlib.Path(given[0]), given[1:], flags.FLAGS.image_size),
        takes_arguments=True,
    )
