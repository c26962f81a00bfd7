"""Commands as a user gives them, in processes that have imported TensorFlow already.

A server imports it once, and each command is a fork of that: the import takes longer than most
commands do. What is printed before or while TensorFlow is imported is for tests with processes of
their own.
"""

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping

ROOT = pathlib.Path(__file__).resolve().parents[2]

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["tensorflow", "keras", "tensorflow_datasets", "tfds_builders", "scipy.stats"]
    + ["salclass_tf.training", "salclass_tf.evaluation.tables.paper", "salclass_tf.serving"]
)
_LIMIT_S = 600


def run(
    *command: object, cwd: os.PathLike = ROOT, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a script, or `-m` and a module, with its flags.

    Args:
        command: the script, relative to the checkout, or "-m" and the module; then the flags.
        cwd: working directory.
        env: environment variables to set.

    Returns:
        What `subprocess.run(..., capture_output=True, text=True)` returns.
    """
    command = tuple(map(str, command))
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        process = _PROCESSES.Process(target=_main, args=(command, os.fspath(cwd), env, paths))
        process.start()
        process.join(_LIMIT_S)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{command} took over {_LIMIT_S} s")
        printed = [pathlib.Path(path).read_text() for path in paths]
    return subprocess.CompletedProcess(command, process.exitcode, *printed)


def _main(
    command: tuple[str, ...], cwd: str, env: Mapping[str, str] | None, paths: list[str]
) -> None:
    """Becomes the command."""
    for descriptor, path in enumerate(paths, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdout, sys.stderr = (open(fd, "w", buffering=1, closefd=False) for fd in (1, 2))
    os.environ.update(env or {})
    os.chdir(cwd)
    if command[0] == "-m":
        sys.path.insert(0, cwd)
        sys.argv = list(command[1:])
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        script = str(ROOT / command[0])
        sys.path.insert(0, os.path.dirname(script))
        sys.argv = [script, *command[1:]]
        runpy.run_path(script, run_name="__main__")
