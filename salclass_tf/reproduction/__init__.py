"""The paper's experiments from nothing to a report: what `reproduce.py` runs."""

import pathlib

from salclass_tf.reproduction import running
from salclass_tf.reproduction.copying import copy as copy
from salclass_tf.reproduction.presets import build_plan as build_plan
from salclass_tf.reproduction.running import outline as outline
from salclass_tf.reproduction.steps import Place as Place
from salclass_tf.reproduction.steps import Plan as Plan


def run(plan: Plan, place: Place) -> pathlib.Path:
    """Does what is not done of a plan, and writes the report.

    Args:
        plan: see `build_plan`.
        place: where everything lies.

    Returns:
        The report, Markdown; its pictures are beside it.

    Raises:
        ValueError: if a step fails; what is done stays.
    """
    running.run(plan, place)
    from salclass_tf.reproduction import report  # imports TensorFlow: not before it is needed

    path = report.write(plan, place)
    print(path.read_text(encoding="utf-8"))
    print(f"The report with its pictures: {path}")
    return path
