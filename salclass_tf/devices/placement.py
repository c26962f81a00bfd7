"""Where a run computes: one strategy of `tf.distribute` for every machine."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf

from salclass_tf.config import STRATEGIES
from salclass_tf.failures import reason

#: what a collective operation raises when a worker does not answer any more
LOST_PEER_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,  # it has gone, and started again
)

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


class WorkerLost(OSError):
    """Another process of the same run has gone."""


@dataclasses.dataclass(frozen=True)
class Placement:
    """The devices of a run.

    Attributes:
        strategy: places variables and runs steps; batches are split over its replicas.
        why: the reason for the choice, for the log.
        workers: number of processes that train together.
        is_chief: whether this process is the one that writes.
    """

    strategy: tf.distribute.Strategy
    why: str
    workers: int = 1
    is_chief: bool = True

    @property
    def name(self) -> str:
        """What the log calls the strategy: its class, or "one device" for TensorFlow's default."""
        if self.strategy is tf.distribute.get_strategy() and not tf.distribute.has_strategy():
            return "one device"
        return type(self.strategy).__name__

    def any_worker(self, flags: Sequence[bool]) -> list[bool]:
        """Tells for each flag whether it is set in any worker.

        Every worker has to call this at the same place of its program: it waits for the others.

        Args:
            flags: of this worker; the same number in each.
        """
        if self.workers == 1:
            return list(flags)
        return [bool(n > 0) for n in self._sum(tf.constant(flags, tf.float32))]

    @contextlib.contextmanager
    def lost_workers_named(self) -> Iterator[None]:
        """Turns what TensorFlow raises when another worker is gone into an error that says so.

        Raises:
            WorkerLost: instead of TensorFlow's own, in a run of several workers.
        """
        try:
            yield
        except LOST_PEER_ERRORS as error:
            if self.workers == 1:
                raise
            raise WorkerLost(
                f"another worker of this run has gone ({reason(error)}); start all "
                "workers again with the same commands, they go on from the newest checkpoint"
            ) from error

    def require_same(self, what: str, value: object) -> None:
        """Checks that all workers see the same; see `any_worker` on calling it.

        Args:
            what: what the value is, with where it is from.
            value: of plain types.

        Raises:
            ValueError: in every worker.
        """
        digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
        bits = [bool(byte >> place & 1) for byte in digest[:8] for place in range(8)]
        anywhere = self.any_worker([*bits, *(not bit for bit in bits)])
        if any(one and other for one, other in zip(anywhere[:64], anywhere[64:], strict=True)):
            raise ValueError(
                f"the workers of this run differ; this one has {what}. Start all with the same "
                "flags, and with a --workdir and a --data_dir that all of them share"
            )

    def wait_for_all(self) -> None:
        """Waits until every worker has come here."""
        self.any_worker([False])

    @functools.cached_property
    def _sum(self):
        """Adds a vector over all replicas of all workers."""

        @tf.function(reduce_retracing=True)
        def total(values: tf.Tensor) -> tf.Tensor:
            everywhere = self.strategy.run(tf.identity, args=(values,))
            return self.strategy.reduce("SUM", everywhere, axis=None)

        return total


def choose(asked: str = "auto") -> Placement:
    """Chooses a distribution strategy; to be called before TensorFlow computes anything.

    Args:
        asked: "auto" (several workers where TF_CONFIG says so, else all GPUs, else the CPU), "cpu",
            "gpu" (the first one), "mirrored" (all GPUs of this machine), "multi_worker" (the
            processes that TF_CONFIG lists) or "tpu" (the one that TPU_NAME names).

    Returns:
        The placement.

    Raises:
        ValueError: if this machine cannot offer what was asked for, or TF_CONFIG does not parse.
    """
    if asked not in STRATEGIES:
        raise ValueError(f"strategy is one of {', '.join(STRATEGIES)}; got {asked!r}")
    gpus = tf.config.list_physical_devices("GPU")
    if asked == "auto":
        return _automatic(len(gpus))
    workers = len(_cluster()[0])
    if asked not in ("auto", "multi_worker") and workers > 1:
        raise ValueError(
            f"strategy {asked} trains in one process, but TF_CONFIG lists {workers} workers; "
            "choose multi_worker, or unset TF_CONFIG"
        )
    if asked == "gpu" and not gpus:
        raise ValueError("strategy gpu needs a GPU that TensorFlow sees, and there is none")
    if asked in ("cpu", "gpu"):
        tf.config.set_visible_devices(gpus[:1] if asked == "gpu" else [], "GPU")
        return Placement(tf.distribute.get_strategy(), "as asked")
    return {"mirrored": _mirrored, "multi_worker": _multi_worker, "tpu": _tpu}[asked]("as asked")


def _automatic(gpus: int) -> Placement:
    """The most that this machine, or TF_CONFIG, offers."""
    if len(_cluster()[0]) > 1:
        return _multi_worker("TF_CONFIG lists several workers")
    if gpus > 1:
        return _mirrored(f"{gpus} GPUs")
    return Placement(tf.distribute.get_strategy(), "one GPU" if gpus else "no GPU: the CPU")


def _mirrored(why: str) -> Placement:
    """All GPUs of this machine; where there is none, its logical CPU devices."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        raise ValueError(
            f"strategy mirrored needs two GPUs or more; TensorFlow sees {len(devices)} "
            f"{devices[0].device_type}: use gpu or cpu"
        )
    return Placement(mirrored_strategy(tuple(device.name for device in devices)), why)


@functools.cache
def mirrored_strategy(devices: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    """Returns the strategy that mirrors variables over some devices, one in a process.

    TensorFlow numbers the collective operations of every strategy anew, so that those of a second
    one on the same devices are taken for those of the first.

    Args:
        devices: their names.
    """
    return tf.distribute.MirroredStrategy(devices)


def _multi_worker(why: str) -> Placement:
    """The processes of TF_CONFIG."""
    workers, place = _cluster()
    if not workers:
        raise ValueError(
            "strategy multi_worker reads TF_CONFIG, which is not set; "
            f"docs/scaling.md shows one, such as {_EXAMPLE}"
        )
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except (RuntimeError, tf.errors.OpError) as error:
        raise ValueError(
            f"the workers of TF_CONFIG, {', '.join(workers)}, do not come together "
            f"({reason(error)}); this one is {workers[place]}. Start all of them, on free ports "
            "that the others reach"
        ) from error
    return Placement(strategy, why, len(workers), is_chief=place == 0)


def _tpu(why: str) -> Placement:
    """The TPU that the environment names."""
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(f"strategy tpu finds no TPU ({error}); set TPU_NAME") from error
    return Placement(tf.distribute.TPUStrategy(resolver), why)


def _cluster() -> tuple[list[str], int]:
    """The addresses in TF_CONFIG, chief first, and this process's place among them.

    Returns:
        ([], 0) where TF_CONFIG is not set.

    Raises:
        ValueError: if TF_CONFIG does not parse, or this process is none of its workers.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return [], 0
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        lists = [cluster.get(role, []) for role in ("chief", "worker")]
        if not all(isinstance(one, list) for one in lists):
            raise TypeError("chief and worker are lists of addresses")
        addresses = [address for one in lists for address in one]
        place = int(task["index"]) + (task["type"] == "worker") * len(cluster.get("chief", []))
        known = task["type"] in ("chief", "worker") and 0 <= int(task["index"]) < len(
            cluster.get(task["type"], [])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"TF_CONFIG does not parse ({error!r}); it has to look like {_EXAMPLE}"
        ) from error
    if not known:
        raise ValueError(
            f"TF_CONFIG gives this process the task {task}, which its cluster {cluster} lacks; "
            "tasks are of type chief or worker, indices count from 0"
        )
    return addresses, place
