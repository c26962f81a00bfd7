"""A dry run of `--preset=paper`: every stage for a few steps, full size, on stand-ins of the sets.

python -m benchmarks.paper_stages --steps=2

The stand-ins are generated in the originals' own layouts and go through the builders: OSIE with
its MATLAB file, SalDogs with its table beside Stanford Dogs' folders, ImageNet as its two archives.
The VGG-19 weights are random, in the public file's layout. What is learned from them means nothing;
what the stages need does.
"""

import argparse
import contextlib
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

_TURNS = (
    ("inception_v3", "saliency_pretrain"),
    ("inception_v3", "saliency"),
    ("inception_v3", "classifier_pretrain"),
    ("inception_v3", "classifier_rgb"),
    ("inception_v3", "classifier"),
    ("inception_v3", "classifier_rgb_longer"),
    ("inception_v3", "joint"),
    ("vgg19", "classifier_pretrain"),
)
_OSIE_IMAGES, _DOGS_PER_BREED, _IMAGENET_PER_CLASS = 40, 3, 4


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--folder", help="where sets and runs are made and kept; else a scratch")
    return parser.parse_args()


def _photograph(rng: np.random.Generator, width: int, height: int) -> bytes:
    """A JPEG of soft coloured noise."""
    from PIL import Image

    coarse = Image.fromarray(rng.integers(0, 256, (height // 25, width // 25, 3), np.uint8))
    stream = io.BytesIO()
    coarse.resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG")
    return stream.getvalue()


def _make_osie(root: pathlib.Path, rng: np.random.Generator) -> None:
    """`data/stimuli` and `data/eye/fixations.mat`, 800x600 as there, 15 viewers an image."""
    import scipy.io

    (root / "data/stimuli").mkdir(parents=True)
    (root / "data/eye").mkdir()
    cells = np.empty((_OSIE_IMAGES, 1), object)
    for index in range(_OSIE_IMAGES):
        name = f"{1001 + index}.jpg"
        (root / "data/stimuli" / name).write_bytes(_photograph(rng, 800, 600))
        viewers = np.empty((15, 1), object)
        for viewer in range(15):
            viewers[viewer, 0] = {
                "fix_x": rng.uniform(1, 800, (1, 9)),
                "fix_y": rng.uniform(1, 600, (1, 9)),
                "fix_duration": rng.integers(80, 600, (1, 9), np.uint16),
            }
        cells[index, 0] = {"img": name, "subjects": viewers}
    scipy.io.savemat(root / "data/eye/fixations.mat", {"fixations": cells})


def _make_saldogs(root: pathlib.Path, rng: np.random.Generator) -> None:
    """`Images/<breed>/` for 120 breeds and `saldogs/fixations.csv`."""
    import tfds_builders

    dogs = pathlib.Path(tfds_builders.__file__).parent / "imagenet_without_dogs/dogs.txt"
    rows = ["stem,viewer,index,x,y,duration_ms"]
    for wnid in dogs.read_text().split():
        folder = root / "Images" / f"{wnid}-breed"
        folder.mkdir(parents=True)
        for number in range(_DOGS_PER_BREED):
            stem = f"{wnid}_{number + 1}"
            (folder / f"{stem}.jpg").write_bytes(_photograph(rng, 500, 375))
            for index in range(6):
                x, y = rng.uniform(0, 499), rng.uniform(0, 374)
                rows.append(f"{stem},{number},{index},{x:.1f},{y:.1f},250")
    (root / "saldogs").mkdir()
    (root / "saldogs/fixations.csv").write_text("\n".join(rows) + "\n")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _make_imagenet(root: pathlib.Path, data_dir: pathlib.Path, rng: np.random.Generator) -> None:
    """The two archives of ILSVRC 2012 with a few images of every 25th class, prepared by TFDS."""
    import tensorflow_datasets as tfds

    root.mkdir()
    lists = "datasets/imagenet2012"
    classes = tfds.core.tfds_path(f"{lists}/labels.txt").read_text().split()
    truths = tfds.core.tfds_path(f"{lists}/validation_labels.txt").read_text().split()
    with tarfile.open(root / "ILSVRC2012_img_train.tar", "w") as outer:
        for wnid in classes[::25]:
            stream = io.BytesIO()
            with tarfile.open(fileobj=stream, mode="w") as inner:
                for number in range(_IMAGENET_PER_CLASS):
                    _add(inner, f"{wnid}_{number}.JPEG", _photograph(rng, 500, 375))
            _add(outer, f"{wnid}.tar", stream.getvalue())
    with tarfile.open(root / "ILSVRC2012_img_val.tar", "w") as archive:
        for number in range(len(truths[:40])):
            name = f"ILSVRC2012_val_{number + 1:08}.JPEG"
            _add(archive, name, _photograph(rng, 500, 375))
    config = tfds.download.DownloadConfig(manual_dir=root)
    tfds.builder("imagenet2012", data_dir=data_dir).download_and_prepare(download_config=config)


def _make_weights(path: pathlib.Path) -> None:
    """Random VGG-19 convolutions in the layout of the public file."""
    import keras

    keras.utils.set_random_seed(0)
    keras.applications.VGG19(weights=None, include_top=False).save_weights(path)


def _train(folder: pathlib.Path, given: argparse.Namespace, classifier: str, stage: str) -> dict:
    """Trains one stage in a process of its own; returns its `metrics.json` and last row."""
    from salclass_tf.runs.finished_stage import FinishedStage

    manual = {"saliency_pretrain": "osie"}.get(stage, "saldogs")
    workdir = folder / "runs" / classifier
    command = [sys.executable, "train.py", "--preset=paper", f"--stage={stage}"]
    command += [f"--steps={given.steps}", f"--precision={given.precision}"]
    command += [f"--classifier={classifier}", f"--workdir={workdir}"]
    command += [f"--detector_weights={folder / 'vgg19.weights.h5'}"]
    command += [f"--data_dir={folder / 'sets'}", f"--manual_dir={folder / manual}"]
    subprocess.run(command, check=True, cwd=pathlib.Path(__file__).parents[1])
    metrics = FinishedStage(workdir / stage).metrics
    header, *rows = (workdir / stage / "history.csv").read_text().splitlines()
    return metrics | dict(zip(header.split(","), rows[-1].split(","), strict=True))


def main() -> None:
    """Makes the sets, runs the stages, prints what each needed."""
    given = _parse()
    scratch = (
        contextlib.nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory()
    )
    with scratch as folder:
        folder = pathlib.Path(folder).resolve()
        rng = np.random.default_rng(0)
        if not (folder / "vgg19.weights.h5").exists():
            folder.mkdir(parents=True, exist_ok=True)
            _make_osie(folder / "osie", rng)
            _make_saldogs(folder / "saldogs", rng)
            _make_imagenet(folder / "imagenet", folder / "sets", rng)
            _make_weights(folder / "vgg19.weights.h5")
        results = [(*turn, _train(folder, given, *turn)) for turn in _TURNS]
    print("\nImages per second count from the start of the epoch, tracing the step included.\n")
    print("| classifier | stage | parameters | steps | images/s | peak memory (GiB) | seconds |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for classifier, stage, found in results:
        print(
            f"| {classifier} | {stage} | {found['parameters']:,} | {found['steps']} | "
            f"{float(found['images_per_second']):.2f} | {found['peak_memory_gib']:.2f} | "
            f"{found['seconds']:.0f} |"
        )


if __name__ == "__main__":
    main()
