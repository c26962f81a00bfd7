"""The numbers that the paper prints in its Tables 1, 4, 5 and 6, to stand beside measured ones.

Source of all: F. Murabito et al., "Top-Down Saliency Detection Driven by Visual Classification",
CVIU 172 (2018), arXiv 1709.05307. Nothing here was measured with this code; Table 1 gathers what
the authors of its methods reported. Digits are as printed.
"""

import dataclasses

SOURCE = "Murabito et al., CVIU 172 (2018)"

TABLES = (1, 4, 5, 6)

#: what the paper calls a data set -> TFDS name
DATASETS = {
    "SalDogs": "saldogs",
    "SalDogs-test": "saldogs",
    "POET": "poet",
    "SalBirds": "salbirds",
    "SalFlowers": "salflowers",
    "SALICON Test": "salicon",
    "SALICON Val": "salicon",
    "iSUN Test": "isun",
    "iSUN Val": "isun",
    "MIT300": "mit300",
    "CUB-200-2011": "caltech_birds2011",
    "Oxford Flower 102": "oxford_flowers102",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A method on a data set.

    Attributes:
        table: number of the paper's table.
        dataset: as the paper calls it.
        method: as the paper calls it.
        values: metric, as `MEASURES` and `accuracy` call it -> the printed number; accuracies in
            [0, 1].
        trained_on: what Table 1 says that the method learned from; "" in other tables.
    """

    table: int
    dataset: str
    method: str
    values: dict[str, float]
    trained_on: str = ""


def rows(table: int) -> list[Row]:
    """Returns a table, row by row.

    Raises:
        ValueError: if the paper has no such table of results.
    """
    if table not in TABLES:
        raise ValueError(f"published are tables {', '.join(map(str, TABLES))}; got {table}")
    return {1: _table_1, 4: _table_4, 5: _table_5, 6: _table_6}[table]()


_DETECTORS = (
    "Human Baseline",
    "SalNet",
    "SALICON",
    "Fine-tuned SalNet",
    "Fine-tuned SALICON",
    "SalClassNet",
)

# s-AUC, NSS, CC of each of `_DETECTORS`.
_TABLE_4 = {
    "SalDogs": (
        (0.984, 11.195, 1),
        (0.720, 1.839, 0.231),
        (0.805, 2.056, 0.261),
        (0.817, 4.174, 0.432),
        (0.837, 3.899, 0.428),
        (0.862, 4.239, 0.461),
    ),
    "POET": (
        (0.975, 5.189, 1),
        (0.646, 1.274, 0.342),
        (0.723, 1.270, 0.355),
        (0.660, 1.378, 0.300),
        (0.695, 1.669, 0.356),
        (0.715, 1.908, 0.387),
    ),
    "SalBirds": (
        (0.743, 9.323, 1),
        (0.642, 2.252, 0.330),
        (0.680, 2.247, 0.346),
        (0.644, 3.504, 0.403),
        (0.686, 4.252, 0.507),
        (0.708, 4.404, 0.529),
    ),
    "SalFlowers": (
        (0.975, 9.787, 1),
        (0.606, 1.311, 0.1973),
        (0.653, 1.081, 0.1803),
        (0.576, 0.916, 0.136),
        (0.661, 1.599, 0.234),
        (0.683, 1.675, 0.245),
    ),
}

# Mean classification accuracy, percent.
_TABLE_5 = {
    "VGG (3 channels)": 43.4,
    "VGG (4 channels) + ground truth saliency maps": 47.2,
    "SalClassNet (VGG)": 49.0,
    "Inception (3 channels)": 67.1,
    "Inception (4 channels) + ground truth saliency maps": 68.4,
    "SalClassNet": 70.5,
}

# Percent on CUB-200-2011 and on Oxford Flower 102.
_TABLE_6 = {"VGG": (47.6, 59.2), "Inception": (61.8, 77.8), "SalClassNet": (63.2, 79.4)}

# Trained on, then data set -> CC, s-AUC, AUC-Borji; shorter where the table says less.
_TABLE_1 = {
    "JuntingNet": (
        "SALICON",
        {
            "SALICON Test": (0.60, 0.67, 0.83),
            "SALICON Val": (0.58, 0.67, 0.83),
            "iSUN Test": (0.82, 0.67, 0.85),
            "iSUN Val": (0.59, 0.64, 0.79),
            "MIT300": (0.53, 0.64, 0.78),
        },
    ),
    "SalNet": (
        "SALICON",
        {
            "SALICON Test": (0.62, 0.72, 0.86),
            "SALICON Val": (0.61, 0.73, 0.86),
            "iSUN Test": (0.62, 0.72, 0.86),
            "iSUN Val": (0.53, 0.63, 0.80),
            "MIT300": (0.58, 0.69, 0.82),
        },
    ),
    "SALICON": ("OSIE", {"MIT300": (0.74, 0.74, 0.85)}),
    "DeepGaze": ("MIT1003", {"MIT300": (0.48, 0.66, 0.83)}),
    "DeepGaze 2": ("SALICON - MIT1003", {"MIT300": (0.51, 0.77, 0.86)}),
    "ML-NET": ("SALICON", {"SALICON Test": (0.76, 0.78), "MIT300": (0.69, 0.70, 0.77)}),
    "DeepFix": ("SALICON", {"MIT300": (0.78, 0.71, 0.80)}),
    "eDN": ("MIT1003", {"MIT300": (0.45, 0.62, 0.81)}),
    "PDP": (
        "SALICON",
        {
            "SALICON Test": (0.77, 0.78, 0.88),
            "SALICON Val": (0.74, 0.78),
            "MIT300": (0.70, 0.73, 0.80),
        },
    ),
}


def _table_1() -> list[Row]:
    """Fully-convolutional detectors, as others reported them."""
    names = ("cc", "shuffled_auc", "auc_borji")
    return [
        Row(1, dataset, method, dict(zip(names, numbers, strict=False)), trained_on)
        for method, (trained_on, by_set) in _TABLE_1.items()
        for dataset, numbers in by_set.items()
    ]


def _table_4() -> list[Row]:
    """Saliency on four sets of top-down gaze."""
    names = ("shuffled_auc", "nss", "cc")
    return [
        Row(4, dataset, method, dict(zip(names, numbers, strict=True)))
        for dataset, lines in _TABLE_4.items()
        for method, numbers in zip(_DETECTORS, lines, strict=True)
    ]


def _table_5() -> list[Row]:
    """Classification of dogs with and without maps."""
    return [
        Row(5, "SalDogs-test", method, {"mean_class_accuracy": round(percent / 100, 3)})
        for method, percent in _TABLE_5.items()
    ]


def _table_6() -> list[Row]:
    """Features of networks trained on dogs, on birds and flowers."""
    return [
        # The table does not say whether its mean is over classes.
        Row(6, dataset, method, {"accuracy": round(percent / 100, 3)})
        for method, percents in _TABLE_6.items()
        for dataset, percent in zip(("CUB-200-2011", "Oxford Flower 102"), percents, strict=True)
    ]
