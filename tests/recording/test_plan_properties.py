"""What every plan must be, for any numbers of classes, pictures, people and viewers."""

import collections
import statistics

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="pip install hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from salclass_tf.recording import plan, protocol  # noqa: E402
from salclass_tf.recording.pictures import Picture  # noqa: E402


@st.composite
def designs(draw):
    people = draw(st.integers(1, 9))
    viewers = draw(st.integers(1, people))
    task = draw(st.sampled_from(protocol.TASKS))
    rules = protocol.Protocol(
        task=task,
        block_size=draw(st.integers(1, 12)),
        training_pictures=draw(st.integers(0, 3)),
        training_rounds=draw(st.integers(0, 3)),
    )
    least = rules.set_aside + -(-people // viewers)
    sizes = draw(st.lists(st.integers(least, least + 8), min_size=2, max_size=6))
    found = {
        f"c{c}_{n}": Picture(f"c{c}_{n}", f"class{c}", f"c{c}_{n}.png", 8, 8, "")
        for c, size in enumerate(sizes)
        for n in range(size)
    }
    return found, rules, people, viewers, draw(st.integers(0, 2**32))


def make(design):
    found, rules, people, viewers, seed = design
    return plan.make_plan(found, rules, people=people, viewers_per_image=viewers, seed=seed)


@settings(max_examples=150, deadline=None)
@given(designs())
def test_coverage_repeats_and_balance(design):
    found, rules, people, viewers, _ = design
    made = make(design)
    seen_by = collections.Counter(stem for p in made.people.values() for stem in p.stems)
    assert seen_by == dict.fromkeys(made.pictures, viewers)  # everyone of them, as often as wanted
    assert set(made.pictures) | set(made.set_aside) == set(found)
    assert len(made.people) == people
    counts = []
    for person in made.people.values():
        assert len(set(person.stems)) == len(person.stems)  # no picture twice
        assert not set(person.stems) & set(made.set_aside)
        counts.append(collections.Counter(made.pictures[s].class_name for s in person.stems))
        sizes = [len(block) for block in person.blocks]
        assert max(sizes) <= rules.block_size
        assert max(sizes) - min(sizes) <= 1
    for name in made.class_names:
        of_class = [count[name] for count in counts]
        assert min(of_class) >= 1  # everybody sees every class
        assert max(of_class) - min(of_class) <= 1
    totals = [count.total() for count in counts]
    assert max(totals) - min(totals) <= 1


@settings(max_examples=100, deadline=None)
@given(designs())
def test_training_and_questions(design):
    _, rules, _, _, _ = design
    made = make(design)
    for person in made.people.values():
        wanted = rules.training_rounds if made.set_aside and rules.has_training else 0
        assert len(person.training) == wanted
        for stems in person.training:
            assert sorted(stems) == sorted(made.set_aside)
        new = [s for probes in person.probes for s in probes if s in made.set_aside]
        assert len(set(new)) == len(new)
        for block, probes in zip(person.blocks, person.probes, strict=True):
            old = [stem for stem in probes if stem in block]
            assert len(probes) == 2 * len(old) or len(block) < rules.probe_pictures // 2
            assert set(probes) <= set(block) | set(made.set_aside)


@settings(max_examples=50, deadline=None)
@given(designs())
def test_the_same_seed_gives_the_same_plan_and_files_keep_it(tmp_path_factory, design):
    made = make(design)
    assert make(design) == made
    folder = tmp_path_factory.mktemp("plan")
    plan.write_plan(made, folder)
    assert plan.read_plan(folder) == made
    assert plan.read_plan(folder).digest == made.digest


def test_another_seed_gives_another_plan():
    found = {f"s{n}": Picture(f"s{n}", f"c{n % 3}", f"s{n}.png", 8, 8, "") for n in range(60)}
    plans = [
        plan.make_plan(found, protocol.Protocol(), people=3, viewers_per_image=2, seed=seed)
        for seed in range(5)
    ]
    assert len({made.digest for made in plans}) == 5


def test_no_picture_is_always_early_or_always_late():
    found = {f"s{n:03d}": Picture(f"s{n:03d}", f"c{n % 5}", "f.png", 8, 8, "") for n in range(200)}
    rules = protocol.Protocol(training_pictures=0)
    made = plan.make_plan(found, rules, people=12, viewers_per_image=4, seed=1)
    places = collections.defaultdict(list)
    for person in made.people.values():
        for place, stem in enumerate(person.stems):
            places[stem].append(place / len(person.stems))
    spread = [max(p) - min(p) for p in places.values()]
    # Four viewers see it a quarter of a session apart; drawn at random, the range would be 0.6
    # on average, and below 0.4 for a fifth of the pictures.
    assert min(spread) > 0.6
    assert 0.35 < statistics.mean(min(p) + max(p) for p in places.values()) / 2 < 0.65
