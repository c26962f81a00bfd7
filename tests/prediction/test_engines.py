"""Engines by name: what there is not, is not installed or is misspelt gets one clear line."""

import importlib.util
import sys

import pytest

from salclass_tf.prediction.on_beam import engines


def test_without_beam_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ValueError, match=r"apache_beam.*requirements-beam\.txt \(the extra beam\)"):
        engines.choose("DirectRunner", [])


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        ("DirektRunner", [], r"unknown runner 'DirektRunner' \(nearest: DirectRunner\)"),
        ("flnk", [], r"unknown runner 'flnk'.*FlinkRunner"),
        ("DataflowRunner", [], r"--runner=DataflowRunner .*'apache-beam\[gcp\]'"),
        ("salclass_tf.NoRunner", [], r"--runner=salclass_tf\.NoRunner"),
        (
            "direct",
            ["--direct_num_worker=2"],
            r"\(nearest: direct_num_workers\)",
        ),
        ("direct", ["--direct_num_workers=two"], r"--direct_num_workers: invalid int value: 'two'"),
        ("direct", ["--direct_running_mode=x"], r"--direct_running_mode: invalid choice"),
    ],
)
def test_mistakes_are_named(name, flags, said):
    pytest.importorskip("apache_beam")
    if name == "DataflowRunner" and importlib.util.find_spec("google.auth"):
        pytest.skip("what Dataflow needs is installed")
    with pytest.raises(ValueError, match=said) as error:
        engines.choose(name, flags)
    assert "\n" not in str(error.value)


def test_a_runner_may_be_named_in_short():
    options = pytest.importorskip("apache_beam.options.pipeline_options")
    chosen = engines.choose("direct", ["--direct_num_workers=3"])
    assert chosen.view_as(options.StandardOptions).runner == "DirectRunner"
    assert chosen.view_as(options.DirectOptions).direct_num_workers == 3
