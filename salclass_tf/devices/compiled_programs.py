"""Where XLA keeps what it has compiled, for later runs."""

import hashlib
import os
import pathlib
import platform
import re

import tensorflow as tf

_FLAGS = "TF_XLA_FLAGS"
_OPTION = "--tf_xla_persistent_cache_directory"
_KEPT_BYTES = 200_000_000
_CPU = pathlib.Path("/proc/cpuinfo")
_GPUS = pathlib.Path("/proc/driver/nvidia/gpus")
_SEPARATES = re.compile(r"[\s'\"]")  # flags in a variable


def keep() -> pathlib.Path | None:
    """Has XLA keep its programs in the user's cache; to be called before TensorFlow computes.

    A program is found again where the same command comes to the same step: TensorFlow numbers its
    functions, and the number is part of what a program is known by. It is for one release of
    TensorFlow on one kind of processor, and of GPU: each has a folder of its own, since XLA runs
    what it finds. The newest ones stay, up to 200 MB.

    Returns:
        The folder; None where the user has set another in `TF_XLA_FLAGS`, or a file of flags, and
        where it cannot be made, or be written in a flag.
    """
    flags = os.environ.get(_FLAGS, "")
    if _OPTION in flags or (flags and not flags.startswith("-")):
        return None
    try:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        folder = pathlib.Path(base) / "salclass" / "xla" / _machine()
        if _SEPARATES.search(str(folder)):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        kept = 0
        for path in sorted(folder.iterdir(), key=lambda path: -path.stat().st_mtime):
            kept += path.stat().st_size
            if kept > _KEPT_BYTES:
                path.unlink()
    except (OSError, RuntimeError):  # the latter: nobody's home
        return None
    os.environ[_FLAGS] = f"{flags} {_OPTION}={folder}".strip()
    return folder


def _machine() -> str:
    """What a program depends on besides its step: TensorFlow's release and the processors."""
    lines = _CPU.read_text().splitlines() if _CPU.is_file() else []
    kinds = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    for path in _GPUS.glob("*/information"):
        kinds |= {line for line in path.read_text().splitlines() if line.startswith("Model")}
    known = "\n".join([platform.machine(), *sorted(kinds)])
    return f"{tf.__version__}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"
