"""The paper's experiments from nothing to a report: what `reproduce.py` runs."""

import pathlib

from salclass_tf.reproduction import running
from salclass_tf.reproduction.plan import Place as Place
from salclass_tf.reproduction.plan import Plan as Plan
from salclass_tf.reproduction.plan import build_plan as build_plan
from salclass_tf.reproduction.running import outline as outline
from salclass_tf.reproduction.running import run as _run_steps


def run(plan: Plan, place: Place) -> pathlib.Path:
    """Does what is not done of a plan; returns the report, its pictures are beside it.

    Raises:
        ValueError: if a step fails, or seeds lie there that were not asked for; what is done stays.
    """
    running.check_seeds(plan, place)
    from salclass_tf.evaluation.tables import scikit_learn

    if any(step.table == 6 for step in plan.steps):
        scikit_learn.check_installed()  # now, not hours from now
    _run_steps(plan, place)
    from salclass_tf.reproduction import report  # imports TensorFlow: not before it is needed

    path = report.write(plan, place)
    print(path.read_text(encoding="utf-8"))
    print(f"The report with its pictures: {path}")
    return path
