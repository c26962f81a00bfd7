"""The report of a reproduction on made-up scores, and its copy."""

import dataclasses
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from salclass_tf import reproduction
from salclass_tf.evaluation.maps.scores import Scores
from salclass_tf.evaluation.methods.method import Method
from salclass_tf.evaluation.tables import paper
from salclass_tf.evaluation.tables.guesses import Guesses
from salclass_tf.reproduction import claims, copying, report, running
from salclass_tf.reproduction.plan import Place, Step
from salclass_tf.runs.files import write_json

HUMAN = "human, true maps (as in the paper)"
BEFORE = "SalClassNet's detector before joint training"
# Pixels of a picture, few of them, with a colour of their own.
RARE = np.s_[40:48, 60:68]


class MadeUp:
    """What an evaluation finds, without networks and pictures.

    Attributes:
        offsets: method -> what its scores have more than others'.
        without: metrics that no image has a score of.
        seeds: of networks that are in folders of seeds.
    """

    offsets = {"SalClassNet": 0.05, "Fine-tuned SalNet": 0.1, "Inception (3 channels)": -0.3}
    without = ("cc",)
    absent = ()
    seeds = (0, 1, 2)
    images = tuple(f"{number}" for number in range(60))

    def __init__(self, settings):
        self.settings = settings
        self.maps, self.classes, self.transferred, self.map_uses = [], [], [], []
        self.notes, self.failures = ["nothing else"], []
        self.view, self.scored = "crop", []

    def fill(self):
        named = [text.partition("=")[::2] for text in self.settings.models]
        every = [row for name, path in named for row in self.networks(name, path)]
        for dataset in self.settings.datasets:
            for name, family in [(HUMAN, ""), *every] if 4 in self.settings.tables else every:
                if (family or name) in self.absent:
                    continue
                labels = {"data set": f"{dataset}/1.0.0 test", "method": name, "model": "x"}
                method = Method(name, "" if name == HUMAN else "x", name, compared=name != HUMAN)
                method = dataclasses.replace(method, family=family)
                labels |= self.seen(name) if 4 not in self.settings.tables else {}
                if 4 in self.settings.tables:
                    self.maps.append((method, self.scores(name, labels)))
                else:
                    rows = self.classes if 5 in self.settings.tables else self.transferred
                    rows.append((method, self.guesses(name, labels)))

    def networks(self, name, path):
        """Names and families of the networks at a path."""
        if "/seeds/" not in path:
            return [(name, "")]
        return [(f"{name}, seed {seed}", name) for seed in self.seeds]

    @staticmethod
    def seen(name):
        """Columns beside an accuracy: seed 2 of one network has kept another epoch."""
        early = name == "VGG (3 channels), seed 2"
        return {"images seen": "8" if early else "16", "steps at each rate": "2 at 0.1"}

    def offset(self, name):
        """What the scores of a network have more than others'."""
        return self.offsets.get(name.split(", seed ")[0], 0)

    def scores(self, name, labels):
        count = len(self.images)
        values = {
            measure: self.values(f"{name} {measure} {labels['data set']}", self.offset(name))
            for measure in ("shuffled_auc", "nss", "cc")
        }
        undefined = dict.fromkeys(self.images, "no fixation points")
        values |= {measure: np.full(count, np.nan) for measure in self.without}
        return Scores(
            labels=labels,
            images=self.images,
            fixations=np.full(count, 6),
            values=values,
            reasons={name: undefined if name in self.without else {} for name in values},
            skipped={},
            outside=0,
        )

    def guesses(self, name, labels):
        chance = self.values(f"{name} {labels['data set']}", self.offset(name))
        # Classes of different sizes: the mean over classes is not the plain accuracy.
        truth = np.repeat([0, 1, 2], [6, 18, 36])
        right = chance + np.array([-0.3, 0.0, 0.2])[truth] > 0.5
        likely = np.eye(3)[np.where(right, truth, (truth + 1) % 3)]
        return Guesses.of_probabilities(labels, self.images, truth, likely, ("a", "b", "c"))

    @staticmethod
    def values(text, offset):
        rng = np.random.default_rng(list(text.encode()))
        return 0.6 + offset + rng.normal(0, 0.1, len(MadeUp.images))


@pytest.fixture
def made_up(monkeypatch):
    monkeypatch.setattr(paper, "Evaluation", MadeUp)
    return MadeUp


def settings_of(step, place):
    """What the command of a table has `evaluate.py` do."""
    return paper.Settings(
        models=tuple(f"{name}={path}" for name, path in step.models.items()),
        datasets=step.datasets,
        tables=(step.table,),
        output=place.workdir / f"table{step.table}",
    )


def write_report(plan, place) -> str:
    """Makes the tables of a plan, pretends its figures, writes the report."""
    results = [step for step in plan.steps if step.models]
    for step in results:
        if step.table:
            paper.run(settings_of(step, place))
        else:
            folder = place.workdir / "pictures"
            folder.mkdir(exist_ok=True)
            rng = np.random.default_rng(0)
            pixels = np.linspace(0, 200, 150)[:, None, None] + rng.integers(0, 50, (150, 200, 3))
            pixels[RARE] = (250, 200, 20)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"fig{step.figure}-x.png")
        mark = running._attempts(step, place) | {"seconds": 90, "finished": True}
        write_json(running._mark(step, place), mark)
    path = report.write(dataclasses.replace(plan, steps=tuple(results)), place)
    assert path == place.workdir / "report.md"
    return path.read_text()


def lines_of(text, start):
    """The cells of the lines of the first table after some words in a report, without its head."""
    part = text[text.index(start) :]
    table = part[part.index("\n| ") + 1 :].split("\n\n")[0].splitlines()
    return [line[2:-2].split(" | ") for line in table[2:]]


@pytest.fixture(scope="module")
def demo_report(tmp_path_factory) -> pathlib.Path:
    """The report of the demo on made-up scores."""
    place = Place(tmp_path_factory.mktemp("run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper, "Evaluation", MadeUp)
        write_report(reproduction.build_plan("demo"), place)
    return place.workdir / "report.md"


def test_differences_are_right_for_made_up_scores(demo_report):
    plan = reproduction.build_plan("demo")
    lines = lines_of(demo_report.read_text(), "## The paper's comparisons")
    tables = {step.table: step for step in plan.steps if step.table}
    rows = {}
    for number, step in tables.items():
        settings = settings_of(step, Place(pathlib.Path()))
        found = MadeUp(dataclasses.replace(settings, datasets=step.datasets[:1]))
        found.fill()
        for method, row in (*found.maps, *found.classes, *found.transferred):
            rows.setdefault((number, method.family or method.name), []).append(row)
    short = {"s-AUC": "shuffled_auc", "NSS": "nss", "CC": "cc"}
    rng = np.random.default_rng(0)
    expected = sum(len(step.claims) * (3 if n == 4 else 1) for n, step in tables.items())
    assert len(lines) == expected
    for number, one, other, metric, _, here in lines:
        pair = (rows[int(number), one], rows[int(number), other])
        if number == "4" and short[metric] in MadeUp.without:
            assert here.startswith("not compared: ")
            continue
        if number == "4":
            first, second = ([one.values[short[metric]] for one in rows] for rows in pair)
        else:
            first, second = ([(one.truth == one.guess) * 1.0 for one in rows] for rows in pair)
        mean, low, high = (float(text.strip("[],")) for text in here.split())
        apart = np.array(first) - np.array(second)  # one network alone beside each seed
        assert mean == pytest.approx(apart.mean(), abs=5e-4)
        drawn = []
        for _ in range(1500):
            seeds, images = (rng.integers(0, n, n) for n in apart.shape)
            drawn.append(apart[np.ix_(seeds, images)].mean())
        assert (low, high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)


def test_trainings_are_counted_and_no_verdict_is_given(demo_report):
    text = demo_report.read_text()
    for claimed in ("agrees", "contradicts", "verdict", "| p |", "p-value"):
        assert claimed not in text
    assert "each method was trained 3 times, from seeds 0, 1, 2" in text
    assert "for 0.82 times what it is" in text and "one seed" not in text


def test_published_differences_stand_beside(demo_report):
    lines = lines_of(demo_report.read_text(), "## The paper's comparisons")
    found = {tuple(line[:4]): line[4] for line in lines}
    # By hand, from Tables 4, 5 and 6 of the paper.
    assert found["4", "SalClassNet", "Fine-tuned SALICON", "NSS"] == "+0.340"
    assert found["4", "Fine-tuned SalNet", "SalNet", "s-AUC"] == "+0.097"
    longer = "VGG (3 channels), as long as SalClassNet"
    assert found["5", "SalClassNet (VGG)", longer, "accuracy"] == "+0.056"
    assert found["6", "Inception", "VGG", "accuracy"] == "+0.142"


def test_tables_of_the_demo_stand_beside_the_papers_first_set(demo_report):
    text = demo_report.read_text()
    heading = "On `gaze_critters/task/1.0.0 test`, 60 images, beside what the paper prints of "
    found = {line[0]: line[1:] for line in lines_of(text, heading + "SalDogs:")}
    assert found["SalClassNet"][3:] == ["0.862", "4.239", "0.461"]
    assert found[HUMAN][3:] == ["0.984", "11.195", "1.000"]
    assert found[BEFORE][3:] == ["", "", ""]
    title = "nss gaze_critters/task/1.0.0 test"
    values = [MadeUp.values(f"SalClassNet, seed {n} {title}", 0.05) for n in range(3)]
    assert found["SalClassNet"][1].split()[0] == f"{np.mean(values):.3f}"
    values = MadeUp.values(f"SalNet {title}", 0)
    assert found["SalNet"][1].split()[0] == f"{np.mean(values):.3f}"
    assert not any("seed" in name for name in found)
    assert found["SalClassNet"][2] == ""  # no image has a CC
    # Nothing in the paper is the second set.
    found = {line[0]: line for line in lines_of(text, "On `gaze_critters/free_viewing/1.0.0 test`")}
    assert len(found["SalClassNet"]) == 4


def test_accuracies_are_those_of_the_guesses(demo_report):
    text = demo_report.read_text()
    found = {line[0]: line[1:] for line in lines_of(text, "## Table 5")}
    name, title = "VGG (3 channels)", "gaze_critters/task/1.0.0 test"
    means, plain = [], []
    for seed in range(3):
        guesses = MadeUp(None).guesses(f"{name}, seed {seed}", {"data set": title})
        by_class = {}
        for truth, guess in zip(guesses.truth, guesses.guess, strict=True):
            by_class.setdefault(int(truth), []).append(truth == guess)
        means.append(sum(sum(found) / len(found) for found in by_class.values()) / len(by_class))
        plain.append(sum(guesses.truth == guesses.guess) / 60)
    mean, plain = np.mean(means), np.mean(plain)
    assert abs(mean - plain) > 0.01
    assert [cell.split()[0] for cell in found[name][:2]] == [f"{mean:.3f}", f"{plain:.3f}"]
    assert found[name][2] == "0.434"
    heads = text[text.index("## Table 6") :].split("| method |")[1].split("\n")[0]
    told = " images seen | steps at each rate |"
    assert heads == f" mean class accuracy | accuracy | published accuracy |{told}"
    assert found["VGG (3 channels)"][3:] == ["16; 8", "2 at 0.1"]
    assert found["SalClassNet (VGG)"][3:] == ["16", "2 at 0.1"]
    files = {path.name for path in demo_report.parent.glob("table6/*")}
    assert "families-table6.csv" in files and "families.csv" not in files


@pytest.mark.slow
def test_papers_own_sets_stand_beside_their_own_numbers(tmp_path, made_up, monkeypatch):
    monkeypatch.setattr(made_up, "seeds", (0,))
    text = write_report(reproduction.build_plan("paper"), Place(tmp_path))
    for title, name, numbers in [
        ("saldogs/1.0.0 test`, 60 images, beside what the paper prints of SalDogs:", 4, "0.862"),
        ("poet/1.0.0 test`, 60 images, beside what the paper prints of POET:", 4, "0.715"),
        ("salbirds/1.0.0 test`, 60 images, beside what the paper prints of SalBirds:", 4, "0.708"),
        (
            "saldogs/1.0.0 test`, 60 images, beside what the paper prints of SalDogs-test",
            3,
            "0.705",
        ),
        ("oxford_flowers102/1.0.0 test`, 60 images, beside what the paper", 3, "0.794"),
    ]:
        found = {line[0]: line for line in lines_of(text, f"On `{title}")}
        assert found["SalClassNet"][name] == numbers, title
    assert "each trained once, from one seed" in text and ", seed 0 |" not in text


def test_report_says_how_it_was_made_and_how_long_it_took(demo_report, tmp_path):
    plan, text = reproduction.build_plan("demo"), demo_report.read_text()
    assert "Made by `python reproduce.py --preset=demo` on " in text and "try-out" not in text
    lines = lines_of(text, "## Steps")
    results = [step for step in plan.steps if step.models]
    assert [line[2] for line in lines] == ["1.5"] * len(results) + [f"{1.5 * len(results):.1f}"]
    assert [line[0] for line in lines] == [*(step.name for step in results), "all"]
    text = write_report(
        dataclasses.replace(plan, steps=()), Place(tmp_path, None, None, "test[:9]", 7)
    )
    assert "`python reproduce.py --preset=demo --steps=7 --split=test[:9]`" in text
    assert "**A try-out: each stage of training was stopped at step 7.**" in text


def test_table_that_lacks_what_a_claim_is_about_is_refused(tmp_path, made_up, monkeypatch):
    monkeypatch.setattr(made_up, "absent", ("SalNet",))
    models = {"SalNet": "x", "ours": "y"}
    step = Step(
        *("Table 4", ("evaluate",)),
        table=4,
        models=models,
        datasets=("osie",),
        claims=(("ours", "SalNet"),),
    )
    with pytest.raises(ValueError, match="osie/1.0.0 test lack SalNet:\n  nothing else"):
        list(claims.lines(step, Place(tmp_path)))


def test_copy_has_small_pictures_under_the_same_links(demo_report, tmp_path):
    source, folder = demo_report, tmp_path / "docs" / "report"
    copying.copy(source, folder)
    copied = (folder / "report.md").read_text()
    assert copied == source.read_text()
    links = re.findall(r"\]\(([^)]+)\)", copied)
    assert len(links) == 3
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png")) == sorted(links)
    for link in links:
        with Image.open(folder / link) as small, Image.open(source.parent / link) as large:
            assert small.size == large.size and small.mode == "P"
            difference = np.asarray(small.convert("RGB"), float) - np.asarray(large, float)
            assert np.abs(difference).mean() < 12 and np.abs(difference[RARE]).max() < 25
        assert (folder / link).stat().st_size < 0.6 * (source.parent / link).stat().st_size
    assert not list(folder.rglob("*.json"))
    before = (source.parent / links[0]).read_bytes()
    with pytest.raises(ValueError, match="must be another folder"):
        copying.copy(source, source.parent / "pictures" / "..")
    assert (source.parent / links[0]).read_bytes() == before
