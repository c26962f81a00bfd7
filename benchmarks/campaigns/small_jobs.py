"""Small jobs of every command that writes, and what they leave when all goes well."""

import collections
import dataclasses
import fnmatch
import hashlib
import json
import pathlib
import re
from collections.abc import Callable, Sequence

from benchmarks.campaigns import children

_COMMAND = "benchmarks/campaigns/tiny_command.py"
# Versions of an export, and TensorBoard's files: any is like the first.
_NUMBERED = ((re.compile(r"^\d+/"), "N/"), (re.compile(r"tfevents\..*"), "tfevents"))


@dataclasses.dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        name: of its command.
        words: folder of its output -> script and arguments.
        timed: pattern of names of files with times, which are seldom the same twice.
    """

    name: str
    words: Callable[[pathlib.Path], Sequence[object]]
    timed: str = ""


def write_inputs(folder: pathlib.Path) -> None:
    """Writes what the jobs work on.

    Args:
        folder: gets it; must not be there.
    """
    folder.mkdir()
    child = children.Child(["benchmarks/campaigns/tiny_inputs.py", folder], folder / "log")
    if child.wait():
        raise RuntimeError(child.output()[-2000:])


def all_jobs(inputs: pathlib.Path) -> dict[str, Job]:
    """Returns the jobs by name.

    Args:
        inputs: folder of `write_inputs`.
    """
    run = [f"--workdir={inputs}/run", f"--class_names={inputs}/names.txt"]
    data = f"--data_dir={inputs}/data"
    evaluate = [f"--model={inputs}/run", "--dataset=dotted_noise", "--table=4", data]
    train = ["--stage=saliency_pretrain", "--epochs=2"]
    jobs = (
        Job("train", lambda out: ["tests/support/tiny_run.py", out, f"{inputs}/data", *train]),
        Job(
            "prepare",
            lambda out: [
                *(_COMMAND, "prepare", "gaze_folder"),
                *(f"--manual_dir={inputs}/study", f"--data_dir={out}"),
            ],
        ),
        Job(
            "predict",
            lambda out: [_COMMAND, "predict", f"{inputs}/study", *run, f"--out_dir={out}"],
        ),
        Job("export", lambda out: [_COMMAND, "export", *run, f"--export_dir={out}"]),
        Job("evaluate", lambda out: [_COMMAND, "evaluate", *evaluate, f"--output={out}"]),
        Job("reproduce", lambda out: ["tests/support/pretended_steps.py", out], "*.json"),
    )
    return {job.name: job for job in jobs}


def content(folder: pathlib.Path) -> dict[str, set[str]]:
    """Digests of the files of a folder by name; those of an export's versions are together.

    Hidden files do not count: locks, and files that are being written.
    """
    found = collections.defaultdict(set)
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in parts):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            name = "/".join(parts)
            for pattern, common in _NUMBERED:
                name = pattern.sub(common, name)
            found[name].add(digest)
    return dict(found)


class Expected:
    """What a job leaves.

    Attributes:
        files: digests by name.
        varying: names of files that are others each time, as those with times of the clock are.
    """

    def __init__(self, job: Job, one: pathlib.Path, other: pathlib.Path):
        """Reads it.

        Args:
            job: it.
            one: what it has left undisturbed.
            other: what it has left another time.
        """
        self.files = content(one)
        second = content(other)
        self.varying = {
            name
            for name in self.files
            if second.get(name) != self.files[name] or fnmatch.fnmatch(name, job.timed)
        }

    def torn(self, folder: pathlib.Path) -> list[str]:
        """Names of files that have their names and are not whole."""
        found = []
        for name, digests in content(folder).items():
            if name not in self.files:
                continue
            if name not in self.varying and digests != self.files[name]:
                found.append(name)
            if name in self.varying and name.endswith(".json"):
                found += [] if _is_json(folder, name) else [name]
        return found

    def missing(self, folder: pathlib.Path) -> list[str]:
        """Names of files that are not there."""
        return sorted(set(self.files) - set(content(folder)))

    def left_over(self, folder: pathlib.Path) -> list[str]:
        """Names of files that an undisturbed job does not leave."""
        return sorted(set(content(folder)) - set(self.files))


def _is_json(folder: pathlib.Path, name: str) -> bool:
    """Whether all files of a name are JSON."""
    try:
        for path in folder.glob(name.replace("N/", "[0-9]*/", 1)):
            json.loads(path.read_text())
    except ValueError:
        return False
    return True
