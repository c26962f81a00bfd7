"""Prints our scores and pysaliency's of the same models on OSIE, and how far they are apart.

python -m benchmarks.pysaliency_numbers --python=ENVIRONMENT/bin/python --manual_dir=OSIE

Maps are made of the test images, handed over by what `salclass pysaliency` runs, scored by
pysaliency in its own environment, and by what `evaluate.py --view=whole` runs: from the maps
("ours"), and from what pysaliency itself writes of set, gaze and model ("read back"). Information
gain is that of the files of log densities, the rest that of the files of maps. The last column is
the largest difference of any image's score from pysaliency's.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import scipy.ndimage
import tensorflow_datasets as tfds
from tqdm import tqdm

import tfds_builders as tfds_builders
from salclass_tf.evaluation.hand_over import maps, pysaliency
from salclass_tf.evaluation.maps.measures import MEASURES
from salclass_tf.evaluation.tables import paper

_MEASURES = ("shuffled_auc", "auc", "nss", "cc", "sim", "kl", "information_gain")
_SCORER = pathlib.Path(__file__).with_name("pysaliency_scores.py")
_KINDS = tuple(pysaliency.FOLDERS.values())
_ALLOWED = 1e-9


def contrast(image: np.ndarray) -> np.ndarray:
    """A simple model: edges at two scales, blurred; float32 [h, w]."""
    grey = image.mean(axis=-1)
    edges = sum(scipy.ndimage.gaussian_gradient_magnitude(grey, width) for width in (2, 8))
    return scipy.ndimage.gaussian_filter(edges, 20).astype(np.float32)


def centre(image: np.ndarray) -> np.ndarray:
    """Another one: the middle; 0 in the corners, float32 [h, w]."""
    y, x = (np.linspace(-1, 1, side) for side in image.shape[:2])
    return np.maximum(np.exp(-2 * (x**2 + y[:, np.newaxis] ** 2)) - 0.05, 0).astype(np.float32)


def write_models(
    builder: tfds.core.DatasetBuilder, split: str, folder: pathlib.Path
) -> dict[str, pathlib.Path]:
    """Writes both models as folders of maps, and returns these by name."""
    models = {"contrast": contrast, "centre": centre}
    for example in tqdm(tfds.as_numpy(builder.as_dataset(split=split)), "maps", disable=None):
        for name, model in models.items():
            path = folder / name / f"{example['image/id'].decode()}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, model(example["image"]))
    return {name: folder / name for name in models}


def ours(models: dict[str, str], output: pathlib.Path, dataset: str, **where: str | None) -> dict:
    """Scores by `evaluate.py`.

    Args:
        models: what `--model` names, by any key.
        output: folder of the tables.
        dataset: TFDS name.
        **where: of `paper.Settings`.

    Returns:
        Key -> measure -> image -> score.
    """
    settings = paper.Settings(
        models=tuple(f"{name}={path}" for name, path in models.items()),
        datasets=(dataset,),
        tables=(4,),
        measures=_MEASURES,
        output=output,
        view="whole",
        **where,
    )
    evaluation = paper.evaluate(settings)
    if evaluation.failures:
        raise ValueError("; ".join(evaluation.failures))
    return {
        method.name: {measure: scores.per_image(measure) for measure in _MEASURES}
        for method, scores in evaluation.maps
        if method.name in models
    }


def theirs(python: str, folder: pathlib.Path, other: pathlib.Path, names: list[str]):
    """Scores by pysaliency, likewise; it writes its own files to `other`."""
    command = [python, str(_SCORER), str(folder), *names, f"--rewrite={other}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"pysaliency failed: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    return {
        model: {
            measure: dict(zip(found["images"], values, strict=True))
            for measure, values in scores.items()
        }
        for model, scores in found["scores"].items()
    }


def compare(flags: argparse.Namespace, work: pathlib.Path) -> list[tuple]:
    """Rows of the table: model, measure, the three means, the largest difference."""
    where = {"data_dir": flags.data_dir or str(work / "sets"), "manual_dir": flags.manual_dir}
    builder = tfds.builder("osie", data_dir=where["data_dir"])
    config = tfds.download.DownloadConfig(manual_dir=flags.manual_dir)
    builder.download_and_prepare(download_config=config)
    models = write_models(builder, flags.split, work / "maps")
    models |= dict(model.split("=", 1) for model in flags.model)
    given = tuple(f"{name}={path}" for name, path in models.items())
    named = maps.Named(given, ("osie",), flags.split, **where)
    (folder,) = pysaliency.hand_over(named, work / "handed_over")
    other = work / "rewritten"
    reference = theirs(flags.python, folder, other, list(models))
    (other / "facts.json").write_bytes((folder / "facts.json").read_bytes())
    direct = ours(models, work / "direct", "osie", split=flags.split, **where)
    there = {f"{name} {kind}": other / kind / f"{name}.hdf5" for name in models for kind in _KINDS}
    back = {"data_dir": str(work / "read_back"), "manual_dir": str(other)}
    read = ours(there, work / "tables", "pysaliency_folder", **back)
    rows = []
    for name in models:
        for measure in _MEASURES:
            kind = _KINDS[measure == "information_gain"]
            ways = (direct[name], read[f"{name} {kind}"], reference[name])
            images = sorted(reference[name][measure])
            values = np.array([[way[measure][image] for image in images] for way in ways])
            apart = float(np.abs(values[:-1] - values[-1]).max())
            rows.append((name, MEASURES[measure].title, *values.mean(axis=1), apart))
    return rows


def main() -> None:
    """Prints the table; fails where numbers are further apart than 1e-9."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="of the environment with pysaliency")
    parser.add_argument("--manual_dir", help="OSIE's original files, if not downloaded")
    parser.add_argument("--data_dir", help="prepared data sets; default: a temporary folder")
    parser.add_argument("--split", default="test", help="split or slice")
    parser.add_argument("--model", action="append", default=[], help="NAME=PATH, more models")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        rows = compare(flags, pathlib.Path(work))
    print("| model | measure | ours | read back | pysaliency | largest difference |")
    print("|---|---|--:|--:|--:|--:|")
    for name, title, *means, apart in rows:
        numbers = " | ".join(f"{mean:.9f}" for mean in means)
        print(f"| {name} | {title} | {numbers} | {apart:.1e} |")
    if max(apart for *_, apart in rows) > _ALLOWED:
        raise SystemExit(f"numbers are further apart than {_ALLOWED}")


if __name__ == "__main__":
    main()
