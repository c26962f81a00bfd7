"""Hides what TensorFlow and Keras print when they start.

TensorFlow's libraries print while they are loaded, before they look at `TF_CPP_MIN_LOG_LEVEL`.
"""

import contextlib
import gc
import importlib.abc
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_ERRORS_ONLY = "3"


def quiet() -> None:
    """Silences the start-up notes of this process; to be called before TensorFlow is imported.

    Who has set `TF_CPP_MIN_LOG_LEVEL` below 3 wants to see them, and does.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    wanted = os.environ.setdefault(_LEVEL, _ERRORS_ONLY) != _ERRORS_ONLY
    known = any(isinstance(finder, _QuietImport) for finder in sys.meta_path)
    if not wanted and not known and "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _QuietImport())


def spare_collections() -> None:
    """Has Python look for garbage less often; to be called once TensorFlow is imported.

    A collection passes over all objects that there are, and what was imported is hundreds of
    thousands of them that stay: a fifth of the time of building and tracing networks. Keras
    collects by itself whenever its session is cleared, at the beginning of each stage.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextlib.contextmanager
def held_back_stderr() -> Iterator[None]:
    """Keeps back what is written to standard error, by C++ code too; an exception sets it free.

    Yields:
        Nothing.
    """
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            kept.seek(0)
            os.write(before, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)


class _QuietImport(importlib.abc.MetaPathFinder):
    """Imports TensorFlow, whoever asks for it first, without its notes.

    Others may look whether it is there, before that (etils does).
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Finds TensorFlow as Python would; leaves every other module to others."""
        if name != "tensorflow":
            return None
        others = [one for one in sys.meta_path if one is not self and hasattr(one, "find_spec")]
        found = (one.find_spec(name, path, target) for one in others)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                with held_back_stderr():
                    execute(module)

            spec.loader.exec_module = exec_module
        return spec
