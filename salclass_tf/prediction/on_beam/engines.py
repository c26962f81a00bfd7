"""Which engine runs a pipeline, by the names of Beam's runners, and its options.

Nothing of Beam is imported before an engine is asked for: it is an extra.
"""

import contextlib
import io
import logging
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from salclass_tf import spelling

_LOCAL, _DATAFLOW = "DirectRunner", "DataflowRunner"
# Imported first by every worker: hides what TensorFlow prints.
_FIRST = "salclass_tf.commands"

_CHECKOUT = pathlib.Path(__file__).resolve().parents[3]


def choose(name: str, flags: Sequence[str]) -> Any:
    """Returns Beam's options for a runner, all of it checked.

    Args:
        name: of a runner as Beam knows it: DirectRunner, DataflowRunner, FlinkRunner and so on.
        flags: Beam's own, `--name=value`.

    Returns:
        A `PipelineOptions`.

    Raises:
        ValueError: if Beam, or what a runner needs, is not installed, or there is no such runner
            or option.
    """
    try:
        import apache_beam as beam
        from apache_beam.options import pipeline_options
    except ImportError as error:
        raise ValueError(
            f"--runner needs package {error.name}: pip install -r requirements-beam.txt (the extra "
            "beam), in an environment of its own"
        ) from None
    runner = _known(name, pipeline_options.StandardOptions.KNOWN_RUNNER_NAMES)
    try:
        beam.runners.create_runner(runner)
        if runner == _DATAFLOW:  # which finds out when the job is there
            from apache_beam.runners.dataflow.internal import apiclient  # noqa: F401
    except (ImportError, AttributeError, ValueError) as error:
        more = ": pip install 'apache-beam[gcp]'" if runner == _DATAFLOW else ""
        raise ValueError(f"--runner={name} cannot be had here ({error}){more}") from error
    _check_flags(flags, pipeline_options.PipelineOptions)
    chosen = pipeline_options.PipelineOptions(list(flags), runner=runner)
    setup = chosen.view_as(pipeline_options.SetupOptions)
    setup.beam_plugins = [_FIRST, *(setup.beam_plugins or [])]
    if runner == _LOCAL:
        # Else Beam tries Prism first, a program that it downloads, and that knows nothing of
        # --direct_num_workers. There is no trigger here that could be unsafe.
        chosen.view_as(pipeline_options.TypeOptions).allow_unsafe_triggers = True
        workers = chosen.view_as(pipeline_options.WorkerOptions)
        workers.default_sdk_harness_log_level = workers.default_sdk_harness_log_level or "ERROR"
        _let_workers_import()
    return chosen


def _known(name: str, names: Sequence[str]) -> str:
    """The runner of a name, which may lack its last part and its capitals."""
    if "." in name:  # a class of somebody else's
        return name
    by_short = {one.lower().removesuffix("runner"): one for one in names}
    found = by_short.get(name.lower().removesuffix("runner"))
    if found is None:
        told = spelling.unknown("runner", name, names)
        raise ValueError(f"{told}; Beam has {', '.join(sorted(names))}")
    return found


def _check_flags(flags: Sequence[str], options: Any) -> None:
    """Refuses what Beam would pass over, and says in a line what it says in hundreds."""
    said = io.StringIO()
    logging.disable(logging.WARNING)  # of unknown ones, which are an error here
    try:
        with contextlib.redirect_stderr(said):
            known = options(list(flags)).get_all_options()
            given = options(list(flags)).get_all_options(retain_unknown_options=True)
    except SystemExit:
        why = said.getvalue().strip().splitlines()[-1].rpartition("error: ")[2]
        raise ValueError(f"an option of Beam's is wrong: {why}") from None
    finally:
        logging.disable(logging.NOTSET)
    for name in given.keys() - known.keys():
        told = spelling.unknown("option of Beam", name, known)
        raise ValueError(f"{told}; Beam's come after a lone --, as --name=value")


def _let_workers_import() -> None:
    """Lets worker processes of this machine find this package where it is not installed."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(_CHECKOUT) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_CHECKOUT), *paths]))
