"""Prints how many pictures the embedded data set renders in a second on one core.

taskset -c 1 python -m benchmarks.rendering
"""

import argparse
import time

from tfds_builders.gaze_critters import textures
from tfds_builders.gaze_critters.gaze_critters_dataset_builder import (
    Builder,
    CrittersConfig,
    observe,
)

_REQUIRED = 150  # pictures a second and core


def images_per_second(config: CrittersConfig, images: int, repeats: int) -> list[float]:
    """Renders the same pictures, JPEG and gaze included, several times; returns sorted rates.

    Processor time is counted, so other programs disturb only through caches and clock rates.
    """
    rates = []
    for _ in range(repeats):
        start = time.process_time()
        for index in range(images):
            observe(config, "train", index)[0].jpeg()
        rates.append(images / (time.process_time() - start))
    return sorted(rates)


def main() -> None:
    """Prints one line for each configuration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="pictures per repeat")
    parser.add_argument("--repeats", type=int, default=7, help="repeats per configuration")
    flags = parser.parse_args()
    textures.prepare()  # made once in a process, not once a picture
    print("pictures per second and core")
    print(f"{'config':14s} {'median':>7s} {'best':>7s} {f'best/{_REQUIRED}':>9s}")
    for config in Builder.BUILDER_CONFIGS:
        rates = images_per_second(config, flags.images, flags.repeats)
        best, median = rates[-1], rates[len(rates) // 2]
        print(f"{config.name:14s} {median:7.0f} {best:7.0f} {best / _REQUIRED:9.2f}")


if __name__ == "__main__":
    main()
