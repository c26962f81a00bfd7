"""What of a machine this process may use: its cores, and the memory that is free."""

import contextlib
import math
import os
import pathlib

_MEMINFO = pathlib.Path("/proc/meminfo")
_CGROUP = pathlib.Path("/sys/fs/cgroup")


def count() -> int:
    """Returns the cores that this process may use, by its affinity and a container's quota."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: there is no quota
        quota, period = map(int, (_CGROUP / "cpu.max").read_text().split())
        return max(1, min(found or 1, quota // period))
    return found or 1


def free_memory() -> float:
    """Returns the bytes that are free, by the system's word and a container's limit.

    Infinity where neither is told.
    """
    found = [math.inf]
    with contextlib.suppress(OSError, ValueError):
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1024 * int(line.split()[1]))
    with contextlib.suppress(OSError, ValueError):
        limit, used = (int((_CGROUP / f"memory.{name}").read_text()) for name in ("max", "current"))
        found.append(max(0, limit - used))
    return min(found)
