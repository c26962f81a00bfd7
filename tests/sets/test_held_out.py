import collections
import hashlib

from tfds_builders.common.held_out import held_out, held_out_by_class


def test_the_names_of_the_smallest_digests_are_chosen_in_any_order():
    names = [f"{number}.jpg" for number in range(1001, 1701)]
    chosen = held_out(names, 2 / 7)
    assert chosen == held_out(reversed(names), 2 / 7)
    ranked = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    assert chosen == set(ranked[:200])
    # Published results depend on it, on those of OSIE for one.
    joined = ",".join(sorted(chosen)).encode()
    assert hashlib.sha256(joined).hexdigest()[:16] == "a30c5c5dba474bd4"


def test_every_class_gives_its_share():
    classes = {
        f"{label}{number}": label for label in "abc" for number in range(10 * ord(label) % 37)
    }
    sizes = collections.Counter(classes.values())
    chosen = held_out_by_class(classes, 0.2)
    found = collections.Counter(classes[name] for name in chosen)
    assert len(sizes) == 3
    assert found == {label: round(0.2 * size) for label, size in sizes.items()}
    assert chosen >= held_out([name for name in classes if name[0] == "b"], 0.2)


def test_nothing_of_nothing():
    assert held_out_by_class({}, 0.2) == set()
