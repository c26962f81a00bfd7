"""Whether XLA compiles a stage's steps: decided by rule, the same again, with the same numbers."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from salclass_tf.config import Stage
from salclass_tf.devices import compiled_programs
from salclass_tf.devices.placement import Placement
from salclass_tf.model import ClassifierModel
from salclass_tf.optimization import optimizers
from salclass_tf.training import compilation, loop

ONE = Placement(tf.distribute.get_strategy(), "a test")


def classifier():
    keras.utils.set_random_seed(3)
    image = keras.Input((12, 12, 3), name="image")
    x = image
    for channels in (4, 6):
        x = keras.layers.Conv2D(channels, 3, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9, scale=False)(x)
        x = keras.layers.Activation("relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = ClassifierModel(keras.Model(image, keras.layers.Dense(3)(x)))
    model.compile(optimizers.SGD(0.05, momentum=0.9, weight_decay=1e-3))
    return model


@pytest.fixture(scope="module")
def small():
    return classifier()


def test_work_is_counted_in_multiply_adds(small):
    convolved = 10 * 10 * 4 * 27 + 8 * 8 * 6 * 36
    assert compilation.operations(small) == 3 * 2 * (convolved + 6 * 3)


@pytest.fixture
def avx2(monkeypatch):
    monkeypatch.setattr(compilation.precision, "cpu_flags", lambda: "flags : fma avx2 f16c")


def test_small_steps_and_short_stages_are_not_compiled(small, monkeypatch, avx2):
    many = 10**9
    decided = compilation.decide("auto", None, ONE, small, many)
    assert decided.name == "none" and "GFLOP" in decided.why
    monkeypatch.setattr(compilation, "_WORTH_GFLOP", compilation.operations(small) / 1e9)
    assert compilation.decide("auto", None, ONE, small, many).name == "xla"
    monkeypatch.setattr(compilation.precision, "cpu_flags", lambda: "flags : avx2 avx512f")
    assert compilation.decide("auto", None, ONE, small, many).name == "none"
    monkeypatch.setattr(compilation.precision, "cpu_flags", lambda: "flags : avx2")
    fewer = compilation.decide("auto", None, ONE, small, 100)
    assert fewer.name == "none" and "100 images" in fewer.why


def test_gpu_is_compiled_for_unless_operations_are_to_be_deterministic(small, monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"])
    decided = compilation.decide("auto", None, ONE, small, 1)
    assert decided.name == "xla" and "not measured" in decided.why
    assert compilation.decide("auto", None, ONE, small, 1, deterministic=True).name == "none"


@pytest.mark.parametrize("noted", ["xla", "none"])
def test_what_was_begun_goes_on_so_unless_asked(small, noted):
    assert compilation.decide("auto", noted, ONE, small, 10).name == noted
    for asked in ("xla", "none"):
        assert compilation.decide(asked, noted, ONE, small, 10).name == asked


def test_several_replicas_are_not_compiled_and_say_so(small, two_replicas, monkeypatch, avx2):
    two = Placement(two_replicas, "a test")
    monkeypatch.setattr(compilation, "_WORTH_GFLOP", 0.0)
    for noted in (None, "xla"):  # on one device it would go on as it was begun
        assert compilation.decide("auto", noted, two, small, 10**9).name == "none"
    compilation.check("auto", two)
    compilation.check("xla", ONE)
    with pytest.raises(ValueError, match="one CPU or GPU; MirroredStrategy has 2 replicas"):
        compilation.check("xla", two)


def trained(by_xla, folder):
    """The model, and the losses of 20 steps of the loop on bright images with little contrast."""
    rng = np.random.default_rng(0)
    images = 10 + rng.uniform(0, 2, (8, 12, 12, 3))
    batch = {"image": images.astype(np.float32), "label": rng.integers(0, 3, 8, np.int32)}
    data = tf.data.Dataset.from_tensors(batch).repeat(20)
    feed = loop.Feed(lambda epoch, skip: data, 20, None)
    model, losses = classifier(), []
    seen = types.SimpleNamespace(
        callbacks=lambda name: [
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: losses.append(float(logs["loss"]))
            )
        ],
        keep_checkpoints=1,
        checkpoint_steps=None,
        checkpoint_seconds=1e9,
    )
    stage = Stage("none", batch_size=8, epochs=1)
    loop.Loop("classifier", stage, model, feed, folder, execution=seen, by_xla=by_xla).run()
    return model, losses


def test_twenty_compiled_steps_are_those_of_tensorflow(tmp_path):
    (plain, expected), (compiled, losses) = (
        trained(by_xla, tmp_path / str(by_xla)) for by_xla in (False, True)
    )
    assert len(losses) == 20 and losses[-1] < losses[0] - 0.05
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    # TensorFlow's fused kernel, compiled by XLA, is 1.5e-2 off here.
    for value, other in zip(compiled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(value, other, atol=1e-3)


def test_step_that_cannot_be_compiled_names_the_remedy():
    @tf.function(jit_compile=True)
    def step(x):
        return tf.py_function(lambda y: y, [x], tf.float32)

    with pytest.raises(ValueError, match="stage joint .*give --compile=none"):
        with compilation.shown("joint"):
            step(tf.zeros(2))


def test_compiling_shows_that_time_passes(capsys, monkeypatch):
    monkeypatch.setattr(compilation, "_PIPE_SECONDS", 0.05)
    with compilation.shown("joint"):
        tf.py_function(lambda: __import__("time").sleep(0.3), [], [])
    assert capsys.readouterr().err.count("joint: XLA compiles the step, 00:0") >= 2


def test_programs_are_kept_in_the_cache_the_newest_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_cpu_global_jit")
    folder = compiled_programs.keep()
    assert folder.is_relative_to(tmp_path) and tf.__version__ in folder.name
    for number in range(25):
        (folder / f"program_{number}").touch()
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    assert compiled_programs.keep() == folder
    assert len(list(folder.iterdir())) == 20
    assert compiled_programs.keep() is None  # what is set is left alone
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert compiled_programs.keep() is None
