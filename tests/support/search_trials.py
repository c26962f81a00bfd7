"""Pictures and trials in the layout in which COCO-Search18 and COCO-FreeView are published."""

import json

import numpy as np
from PIL import Image

SIZE = (42, 64)  # height, width


def write_picture(path, seed=0, size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def trial(name, subject, xyt, split="train", **more):
    """An entry of the JSON files."""
    x, y, t = zip(*xyt, strict=True) if xyt else ((), (), ())
    return {
        "name": f"{name}.jpg",
        "subject": subject,
        "X": list(x),
        "Y": list(y),
        "T": list(t),
        "length": len(xyt),
        "split": split,
        **more,
    }


def write_trials(path, trials):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(trials, indent=4))
