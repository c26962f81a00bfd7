"""What the paper's whole training protocol costs: operations counted, hours computed.

python -m benchmarks.protocol_cost
"""

import argparse

# Peak rates from the vendors' data sheets, dense, without sparsity: TFLOP/s in float32 (TF32 where
# tensor cores take float32 that way), and in the 16-bit format that `--precision=auto` chooses.
_DEVICES = {
    "NVIDIA T4": (8.1, 65.0),
    "NVIDIA V100 SXM2": (15.7, 125.0),
    "NVIDIA L4": (60.0, 121.0),
    "NVIDIA A100": (156.0, 312.0),
    "NVIDIA H100 SXM": (494.7, 989.4),
}
# Training images: Table 3, less the tenth of OSIE's 500 that `--preset=paper` validates on; of
# ImageNet's 1,281,167 about 150,000 show one of the 120 dogs.
_SALDOGS, _OSIE, _IMAGENET = 8005, 450, 1_131_000
_VIEWS, _IMAGENET_EPOCHS = 10, 70  # Sec. 5.2: five crops and their flips; 70 epochs
_FINE_TUNING_EPOCHS = 95  # "all models converged in 70-120 epochs": the middle


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=0.35, help="of peak that is reached")
    help = "of stages that stop by patience"
    parser.add_argument("--epochs", type=int, default=_FINE_TUNING_EPOCHS, help=help)
    parser.add_argument("--classifier", default="inception_v3")
    return parser.parse_args()


def stages(epochs: int) -> list[tuple[str, str, int]]:
    """(stage, network, views seen) of the protocol.

    Args:
        epochs: of the stages that stop by patience; those of the ImageNet stage are given.
    """
    return [
        ("saliency_pretrain", "detector", _OSIE * _VIEWS * epochs),
        ("saliency", "detector", _SALDOGS * _VIEWS * epochs),
        ("classifier_pretrain", "classifier", _IMAGENET * _VIEWS * _IMAGENET_EPOCHS),
        ("classifier_rgb", "classifier", _SALDOGS * _VIEWS * epochs),
        ("classifier", "classifier", _SALDOGS * _VIEWS * epochs),
        ("classifier_rgb_longer", "classifier", _SALDOGS * _VIEWS * epochs),
        ("joint", "both", _SALDOGS * _VIEWS * epochs),
    ]


def main() -> None:
    """Counts and prints."""
    given = _parse()
    from salclass_tf.classifiers import build_classifier
    from salclass_tf.detectors import build_detector
    from salclass_tf.training.compilation import forward_operations

    cost = {
        "detector": forward_operations(build_detector("vgg19")),
        "classifier": forward_operations(build_classifier(given.classifier)),
    }
    cost["both"] = sum(cost.values())
    print("Counted, forward pass of one image of 299 pixels, GFLOP: ", end="")
    print(", ".join(f"{name} {value / 1e9:.1f}" for name, value in cost.items()))
    print(f"\nComputed hours at {given.share:.0%} of peak, float32 / 16 bit; a step is 3 passes:\n")
    print("| stage | views | " + " | ".join(_DEVICES) + " |")
    print("|---|--:|" + "--:|" * len(_DEVICES))
    rows = [(stage, 3 * cost[network], seen) for stage, network, seen in stages(given.epochs)]
    for stage, work, seen in rows:
        print(_row(stage, f"{seen:,}", work * seen / given.share))
    print(_row("all", "", sum(work * seen for _, work, seen in rows) / given.share))


def _row(stage: str, views: str, operations: float) -> str:
    """A row of the table: hours at peak for a number of operations."""
    done = operations / 3600 / 1e12
    hours = [f"{done / slow:,.1f} / {done / fast:,.1f}" for slow, fast in _DEVICES.values()]
    return f"| {stage} | {views} | " + " | ".join(hours) + " |"


if __name__ == "__main__":
    main()
