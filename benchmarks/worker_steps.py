"""The joint step in 1, 2 and 4 processes of this machine, at the same global batch.

python -m benchmarks.worker_steps

The steps are the training loop's, from the second one on; then the gradients alone are exchanged,
without a step around them. Bytes are those of the loopback in a network namespace of its own
(`unshare`, Linux), where nothing else speaks; without one they are not known.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

from benchmarks.campaigns import children, cluster

_MODULE = "benchmarks.worker_steps"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--precision", default="float32", help="Keras dtype policy")
    parser.add_argument("--width", type=float, default=0.125)
    parser.add_argument("--image_size", type=int, default=196)
    parser.add_argument("--batch_size", type=int, default=16, help="of all workers together")
    parser.add_argument("--steps", type=int, default=6, help="timed steps")
    return parser.parse_args()


class Costs:
    """Moments of a process, between which things cost something."""

    def __init__(self):
        """Has none yet."""
        self._moments: list[tuple[float, float, int]] = []

    def note(self) -> None:
        """Notes the time, this process's processor time, and what the loopback has carried."""
        self._moments.append((time.perf_counter(), time.process_time(), _sent()))

    def of_each(self) -> dict[str, float]:
        """Means between two moments: seconds, seconds of processor time, bytes of all workers."""
        first, last, pieces = self._moments[0], self._moments[-1], len(self._moments) - 1
        means = [(b - a) / pieces for a, b in zip(first, last, strict=True)]
        return dict(zip(("seconds", "processor", "bytes"), means, strict=True))


def _sent() -> int:
    """Bytes that the loopback of this process's network has carried."""
    lines = pathlib.Path("/proc/self/net/dev").read_text().splitlines()
    [numbers] = [line.split(":")[1].split() for line in lines if line.strip().startswith("lo:")]
    return int(numbers[8])


def measure(settings: dict) -> None:
    """What each worker does: steps of the loop, then the exchange alone; prints what they cost."""
    import keras
    import tensorflow as tf

    from benchmarks import train_step
    from salclass_tf import devices
    from salclass_tf.config import Stage
    from salclass_tf.training import loop

    given = argparse.Namespace(**settings)
    keras.config.set_dtype_policy(given.precision)
    placement = devices.choose_placement("auto")
    keras.utils.set_random_seed(0)
    with placement.strategy.scope():
        model = train_step.paper_model(given)
    epoch = train_step.epochs(given)
    steps, exchanges = Costs(), Costs()

    class Timed(loop.Loop):
        def _step(self, batch):
            super()._step(batch)
            float(self._unchecked[-1][1])
            steps.note()

    stage = Stage("generated", batch_size=given.batch_size, epochs=1)
    feed = loop.Feed(epoch, given.steps + 1, validation=None)
    folder = pathlib.Path(given.folder)
    Timed("joint", stage, model, feed, folder, given.steps + 1, placement).run()
    gradients = [tf.zeros(variable.shape) for variable in model.trainable_variables]

    @tf.function
    def exchange() -> tf.Tensor:
        def on_each() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            return tf.add_n([tf.reduce_sum(one) for one in context.all_reduce("SUM", gradients)])

        return placement.strategy.reduce("SUM", placement.strategy.run(on_each), axis=None)

    for _ in range(given.steps + 1):
        float(exchange())
        exchanges.note()
    size = sum(int(tf.size(one)) for one in gradients) * 4
    found = {"step": steps.of_each(), "exchange": exchanges.of_each(), "gradients": size}
    print(f"costs {json.dumps(found)}")


def _measured(workers: int, given: argparse.Namespace) -> list[dict]:
    """What each worker of a run has printed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = vars(given) | {"folder": folder}
        words = ["benchmarks/worker_steps.py", "--as_worker", json.dumps(settings)]
        environments = cluster.environments(workers) if workers > 1 else [{}]
        run = [
            children.Child(words, pathlib.Path(folder, f"log{index}"), environment=environment)
            for index, environment in enumerate(environments)
        ]
        codes = [child.ended() for child in run]
        if any(codes):
            raise RuntimeError(f"exit {codes}: {run[0].output()[-2000:]}")
        return [
            json.loads(line.removeprefix("costs "))
            for child in run
            for line in child.output().splitlines()
            if line.startswith("costs ")
        ]


def main() -> None:
    """Measures with each number of workers and prints a row for each."""
    given = _parse()
    own = cluster.enter_own_network(_MODULE)
    print(
        "| workers | batch of each | step, s | processor time of all, s | exchanged, MiB | "
        "gradients, MiB | exchange alone, s | its processor time, s |\n"
        "|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    for workers in given.workers:
        found = _measured(workers, given)
        step, exchange = (
            {
                "seconds": max(one[name]["seconds"] for one in found),
                "processor": sum(one[name]["processor"] for one in found),
                "bytes": found[0][name]["bytes"],
            }
            for name in ("step", "exchange")
        )
        bytes_sent = f"{step['bytes'] / 2**20:.2f}" if own else "not known"
        print(
            f"| {workers} | {given.batch_size // workers} | {step['seconds']:.2f} | "
            f"{step['processor']:.2f} | {bytes_sent} | {found[0]['gradients'] / 2**20:.2f} | "
            f"{exchange['seconds']:.3f} | {exchange['processor']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    if "--as_worker" in sys.argv:
        measure(json.loads(sys.argv[-1]))
    else:
        main()
