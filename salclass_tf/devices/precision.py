"""Which floating-point policy suits the hardware."""

import os
import pathlib

import tensorflow as tf

_CPU_FLAGS = pathlib.Path("/proc/cpuinfo")

_SWITCH = "TF_ENABLE_ONEDNN_OPTS"

# Instruction sets of oneDNN, which computes in bfloat16, that do not; names of its documentation.
_WITHOUT_BFLOAT16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"}


def choose(asked: str = "auto") -> tuple[str, str]:
    """Chooses a Keras dtype policy.

    Args:
        asked: "auto", "float32", "mixed_bfloat16" or "mixed_float16".

    Returns:
        The policy's name, and why it was chosen.

    Raises:
        ValueError: for mixed_float16 without a GPU: convolutions in float16 run a hundred times
            slower than float32 on a CPU.
    """
    gpus = tf.config.get_visible_devices("GPU")  # none where the run was placed on the CPU
    if asked == "mixed_float16" and not gpus:
        raise ValueError(
            "mixed_float16 needs a GPU, on a CPU it is about a hundred times slower than float32; "
            "choose float32 or mixed_bfloat16"
        )
    if asked != "auto":
        dear = "; the CPU lacks it, so XLA widens it: float32 takes less memory"
        return asked, "as asked" + (dear if needs_xla(asked) else "")
    if tf.config.list_logical_devices("TPU"):
        return "mixed_bfloat16", "a TPU computes in bfloat16"
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get(
            "compute_capability", (0, 0)
        )
        return _for_gpu(capability)
    return _for_cpu(cpu_flags())


def cpu_flags() -> str:
    """Returns what the processor says that it can do; "" where the system does not tell."""
    return _CPU_FLAGS.read_text() if _CPU_FLAGS.is_file() else ""


def needs_xla(policy: str) -> bool:
    """Whether a training step under a policy has to be compiled by XLA to be of use.

    A CPU without bfloat16 arithmetic gets through TensorFlow's own gradients of convolutions in
    bfloat16 some twenty times more slowly than in float32. XLA widens them instead, as fast as
    float32 and at the cost of its memory.

    Args:
        policy: name of a Keras dtype policy.
    """
    widened = policy == "mixed_bfloat16" and choose("auto")[0] == "float32"
    return widened and not tf.config.get_visible_devices("GPU")


def _for_gpu(capability: tuple[int, int]) -> tuple[str, str]:
    """The policy for a GPU of a compute capability."""
    if capability >= (8, 0):
        return "mixed_bfloat16", "the GPU has bfloat16 tensor cores"
    if capability >= (7, 0):
        return "mixed_float16", "the GPU has float16 tensor cores"
    return "float32", "the GPU has no tensor cores"


def _for_cpu(flags: str) -> tuple[str, str]:
    """The policy for a CPU with these feature flags."""
    for flag in ("amx_bf16", "avx512_bf16"):
        if flag in flags.split():
            held = _held_back()
            return ("float32", held) if held else ("mixed_bfloat16", f"the CPU has {flag}")
    return "float32", "the CPU has no bfloat16 arithmetic"


def has_onednn() -> bool:
    """Whether TensorFlow computes by oneDNN's kernels, as it does unless told not to."""
    return os.environ.get(_SWITCH, "").lower() not in ("0", "false")


def _held_back() -> str:
    """What in the environment keeps TensorFlow from the CPU's bfloat16; "" if nothing does."""
    if not has_onednn():
        return f"{_SWITCH}={os.environ[_SWITCH]} leaves the CPU's bfloat16 unused"
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        if os.environ.get(name, "").upper() in _WITHOUT_BFLOAT16:
            return f"{name}={os.environ[name]} has no bfloat16 arithmetic"
    return ""
