"""What a reproduction consists of: steps, as data."""

import dataclasses
import hashlib
import json
import pathlib

from salclass_tf.config import Config


@dataclasses.dataclass(frozen=True)
class Place:
    """Where everything lies.

    Attributes:
        workdir: folder of the reproduction.
        data_dir: where prepared data sets live, None for TFDS' own place.
        manual_dir: folder of original files, for sets that are not downloaded.
        split: split or slice that tables and figures take, None for the test part.
    """

    workdir: pathlib.Path
    data_dir: str | None = None
    manual_dir: str | None = None
    split: str | None = None


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Prepares data sets, and names all at once that cannot be.

    Attributes:
        datasets: TFDS names.
    """

    datasets: tuple[str, ...]
    makes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Says what it does."""
        return f"prepares {', '.join(self.datasets)}"


@dataclasses.dataclass(frozen=True)
class Train:
    """Trains a stage, and before it the stages that it needs.

    Attributes:
        run: folder in the work folder.
        stage: see `config.STAGES`.
        config: of the run.
        shared: (run, stage): what finished stages of other runs have left, to start from.
    """

    run: str
    stage: str
    config: Config
    shared: tuple[tuple[str, str], ...] = ()

    @property
    def makes(self) -> tuple[str, ...]:
        """Files that are there when it is done."""
        return (f"{self.run}/{self.stage}/metrics.json",)

    def __str__(self) -> str:
        """Says what it does."""
        part = self.config.detector if "saliency" in self.stage else self.config.classifier
        networks = f"{self.config.detector}, {part}" if self.stage == "joint" else part
        given = ", ".join(f"{stage} of {run}" for run, stage in self.shared)
        return f"trains {self.run}/{self.stage} ({networks})" + (given and f", with {given}")


@dataclasses.dataclass(frozen=True)
class Release:
    """Saves detectors as their authors released them.

    Attributes:
        detectors: names for `build_detector`.
        config: gives the size of the images.
    """

    detectors: tuple[str, ...]
    config: Config

    @property
    def makes(self) -> tuple[str, ...]:
        """Files that are there when it is done."""
        return tuple(f"released/{name}.keras" for name in self.detectors)

    def __str__(self) -> str:
        """Says what it does."""
        return f"loads the released weights of {', '.join(self.detectors)}"


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Trains a run jointly with several weights of the class error.

    Attributes:
        run: folder in the work folder.
        config: of the run.
        alphas: the weights.
    """

    run: str
    config: Config
    alphas: tuple[float, ...]

    @property
    def makes(self) -> tuple[str, ...]:
        """Files that are there when it is done."""
        return (f"{self.run}/sweep/alpha.json",)

    def __str__(self) -> str:
        """Says what it does."""
        return f"trains {self.run} jointly with alpha {', '.join(f'{a:g}' for a in self.alphas)}"


@dataclasses.dataclass(frozen=True)
class Claim:
    """That one method is better than another on the first data set of a table.

    Attributes:
        better: as the paper's table calls the method.
        worse: likewise.
    """

    better: str
    worse: str


@dataclasses.dataclass(frozen=True)
class Tables:
    """Makes tables, and tests the paper's claims in them.

    Attributes:
        tables: numbers of the paper's tables.
        models: (what the table calls it, file or folder in the work folder).
        datasets: TFDS names; claims are tested on the first.
        claims: see `Claim`.
        output: folder in the work folder.
    """

    tables: tuple[int, ...]
    models: tuple[tuple[str, str], ...]
    datasets: tuple[str, ...]
    claims: tuple[Claim, ...]
    output: str

    @property
    def makes(self) -> tuple[str, ...]:
        """Files that are there when it is done."""
        names = (*(f"table{number}.json" for number in self.tables), "claims.json")
        return tuple(f"{self.output}/{name}" for name in names)

    def __str__(self) -> str:
        """Says what it does."""
        numbers = " and ".join(map(str, self.tables))
        return f"makes Table {numbers} of {len(self.models)} networks on {', '.join(self.datasets)}"


@dataclasses.dataclass(frozen=True)
class Draw:
    """Draws a figure.

    Attributes:
        figure: of `evaluation.paper_figures.FIGURES`.
        models: as of `Tables`.
        datasets: TFDS names.
        images: how many it shows.
    """

    figure: str
    models: tuple[tuple[str, str], ...]
    datasets: tuple[str, ...]
    images: int = 5

    @property
    def makes(self) -> tuple[str, ...]:
        """Files that are there when it is done."""
        return (f"pictures/fig{self.figure}.json",)

    def __str__(self) -> str:
        """Says what it does."""
        return f"draws Fig. {self.figure} of {', '.join(path for _, path in self.models)}"


Work = Prepare | Train | Release | Sweep | Tables | Draw


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of a reproduction.

    Attributes:
        name: of the step.
        work: what it does.
        needs: names of the steps that come before it.
        minutes: about how long it takes on two slow cores; None where nobody has measured it.
    """

    name: str
    work: Work
    needs: tuple[str, ...] = ()
    minutes: float | None = None

    def fingerprint(self, place: Place) -> str:
        """Changes with what the step does."""
        # Training knows no split: another one must not look like another training.
        split = place.split if isinstance(self.work, Tables | Draw) else None
        facts = [type(self.work).__name__, dataclasses.asdict(self.work), split]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclasses.dataclass(frozen=True)
class Plan:
    """A reproduction.

    Attributes:
        preset: name of the preset.
        steps: in an order in which each comes after what it needs.
        stands_for: what this preset's sets and networks stand for in the paper, Markdown.
        max_steps: where each stage of training stops, for a try-out; or None.
    """

    preset: str
    steps: tuple[Step, ...]
    stands_for: str
    max_steps: int | None = None
