"""What `import salclass_tf` offers, and what it costs."""

import ast
import pathlib
import subprocess
import sys

import pytest

import salclass_tf

_ROOT = pathlib.Path(__file__).resolve().parents[1]


def test_import_brings_neither_tensorflow_nor_keras():
    """Both together take seconds; what is left has a limit of 0.2 s of CPU."""
    program = (
        "import sys, time; start = time.process_time(); import salclass_tf; "
        "spent = time.process_time() - start; "
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules); "
        "assert spent < 0.2, spent; assert 'SalClassNet' in dir(salclass_tf)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=_ROOT)


def test_names_are_those_of_their_modules():
    from salclass_tf import detectors, heatmaps, losses, metrics
    from salclass_tf.classifiers import build_classifier, list_classifiers
    from salclass_tf.model import SalClassNet

    assert salclass_tf.SalClassNet is SalClassNet
    assert salclass_tf.build_detector is detectors.build_detector
    assert salclass_tf.list_detectors() == detectors.list_detectors()
    assert salclass_tf.build_classifier is build_classifier
    assert salclass_tf.list_classifiers is list_classifiers
    assert (salclass_tf.losses, salclass_tf.metrics) == (losses, metrics)
    assert salclass_tf.heatmaps is heatmaps


def test_all_names_are_there_and_type_checkers_see_the_same():
    for name in salclass_tf.__all__:
        assert getattr(salclass_tf, name) is not None
    [checked] = [
        node
        for node in ast.parse(pathlib.Path(salclass_tf.__file__).read_text()).body
        if isinstance(node, ast.If)
    ]
    seen = {alias.asname for line in checked.body for alias in line.names}
    assert seen == set(salclass_tf.__all__) == set(salclass_tf._HOMES)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'SalClasNet'"):
        _ = salclass_tf.SalClasNet
