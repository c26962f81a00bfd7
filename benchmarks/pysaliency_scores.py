"""Scores models in pysaliency's own files with pysaliency, and prints JSON.

python benchmarks/pysaliency_scores.py FOLDER MODEL [MODEL ...]

Runs where pysaliency 0.2.22 is installed, with NumPy below 2.4 and setuptools below 80, and needs
nothing of this repository. FOLDER is what `salclass pysaliency` writes for a data set, a MODEL the
name of a model's files in it without `.hdf5`. `--rewrite=OTHER` writes the set and the models again
with pysaliency's own functions, for reading them back.
"""

import argparse
import importlib.util
import json
import os
import sys
import types

import numpy as np

#: constants of the MIT/Tuebingen benchmark
_KL = {
    "minimum_value": 0,
    "log_regularization": 2.2204e-16,
    "quotient_regularization": 2.2204e-16,
}


def imported():
    """Returns pysaliency; what it imports and does not need here is made up for."""
    if not hasattr(np, "string_"):
        np.string_ = np.bytes_  # as NumPy 2 calls it
    if importlib.util.find_spec("torch"):
        import pysaliency
    else:
        sys.modules["torch"] = types.ModuleType("torch")  # imported, and not used by what is here
        import pysaliency

        del sys.modules["torch"]  # SciPy would ask it what a tensor is
    return pysaliency


def models_of(pysaliency, folder: str, stimuli, name: str) -> dict:
    """Returns a model by the folder of its file: its maps, and its log densities."""
    kinds = {"maps": pysaliency.HDF5SaliencyMapModel, "log_densities": pysaliency.HDF5Model}
    return {
        kind: model(stimuli, os.path.join(folder, kind, f"{name}.hdf5"), caching=False)
        for kind, model in kinds.items()
    }


def score(pysaliency, folder: str, stimuli, fixations, name: str) -> dict[str, list[float]]:
    """Returns the scores of a model, one for each stimulus."""
    maps, densities = models_of(pysaliency, folder, stimuli, name).values()
    path = os.path.join(folder, "true_maps.hdf5")
    truth = pysaliency.HDF5SaliencyMapModel(stimuli, path, caching=False)
    path = os.path.join(folder, "prior.hdf5")
    prior = pysaliency.HDF5Model(stimuli, path, caching=False)
    counts = np.bincount(fixations.n, minlength=len(stimuli))

    def per_image(values) -> list[float]:
        return (np.bincount(fixations.n, values, len(stimuli)) / counts).tolist()

    return {
        "shuffled_auc": per_image(maps.AUCs(stimuli, fixations, nonfixations="shuffled")),
        "auc": per_image(maps.AUCs(stimuli, fixations, nonfixations="uniform")),
        "nss": per_image(maps.NSSs(stimuli, fixations)),
        "information_gain": per_image(densities.information_gains(stimuli, fixations, prior)),
        "cc": np.asarray(maps.CCs(stimuli, truth), float).tolist(),
        "sim": np.asarray(maps.SIMs(stimuli, truth), float).tolist(),
        "kl": np.asarray(maps.image_based_kl_divergences(stimuli, truth, **_KL), float).tolist(),
    }


def rewrite(pysaliency, folder: str, other: str, stimuli, fixations, names: list[str]) -> None:
    """Writes everything again by pysaliency alone."""
    os.makedirs(other, exist_ok=True)
    stimuli.to_hdf5(os.path.join(other, "stimuli.hdf5"))
    fixations.to_hdf5(os.path.join(other, "fixations.hdf5"))
    for name in names:
        for kind, model in models_of(pysaliency, folder, stimuli, name).items():
            os.makedirs(os.path.join(other, kind), exist_ok=True)
            path = os.path.join(other, kind, f"{name}.hdf5")
            pysaliency.precomputed_models.export_model_to_hdf5(model, stimuli, path, compression=1)


def main() -> None:
    """Scores the models that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rewrite", help="folder for files that pysaliency itself writes")
    flags = parser.parse_args()
    pysaliency = imported()
    stimuli = pysaliency.read_hdf5(os.path.join(flags.folder, "stimuli.hdf5"))
    fixations = pysaliency.read_hdf5(os.path.join(flags.folder, "fixations.hdf5"))
    names = [os.path.splitext(os.path.basename(path))[0] for path in stimuli.filenames]
    if flags.rewrite:
        rewrite(pysaliency, flags.folder, flags.rewrite, stimuli, fixations, flags.models)
    scores = {
        model: score(pysaliency, flags.folder, stimuli, fixations, model) for model in flags.models
    }
    json.dump({"images": names, "scores": scores}, sys.stdout)


if __name__ == "__main__":
    main()
