"""Whether XLA compiles a stage's steps: decided by rule, the same again, with the same numbers."""

import os
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


@pytest.fixture
def worthy(monkeypatch):
    """The second convolution of `classifier` is as large as what XLA compiles; the first is not."""
    monkeypatch.setattr(compilation, "_WORTH_CHANNELS", 4)
    monkeypatch.setattr(compilation, "_WORTH_GFLOP", 0.0)


def test_weight_gradients_of_large_convolutions_are_compiled_with_avx2_alone(
    small, monkeypatch, avx2, worthy
):
    assert compilation.decide("auto", None, ONE, small).name == "weight_gradients"
    assert [layer.filters for layer in compilation.worth_compiling(small)] == [6]
    monkeypatch.setattr(compilation.precision, "cpu_flags", lambda: "flags : avx2 avx512f")
    assert compilation.decide("auto", None, ONE, small).name == "none"
    monkeypatch.setattr(compilation.precision, "cpu_flags", lambda: "flags : avx")
    assert compilation.decide("auto", None, ONE, small).name == "none"


def test_what_is_small_reads_few_channels_or_does_not_learn_is_left_alone(
    small, monkeypatch, avx2, worthy
):
    second = compilation.worth_compiling(small)[0]
    work = 2 * 8 * 8 * 6 * 36 / 1e9
    for name, limit in (("_WORTH_CHANNELS", 5), ("_WORTH_GFLOP", 1.01 * work)):
        with monkeypatch.context() as patched:
            patched.setattr(compilation, name, limit)
            decided = compilation.decide("auto", None, ONE, small)
            assert decided.name == "none" and "large enough" in decided.why
    monkeypatch.setattr(compilation, "_WORTH_GFLOP", 0.99 * work)
    assert compilation.worth_compiling(small) == [second]
    second.trainable = False
    try:
        assert compilation.decide("auto", None, ONE, small).name == "none"
    finally:
        second.trainable = True


class Other(keras.layers.Conv2D):
    """May do anything else."""


@pytest.mark.parametrize(
    ("settings", "worth"),
    [
        ({}, True),
        ({"kernel_size": (1, 3)}, True),
        ({"kernel_size": 1}, False),
        ({"groups": 2}, False),
        ({"dilation_rate": 2}, False),
        ({"trainable": False}, False),
        ({"kind": Other}, False),
    ],
)
def test_plain_convolutions_of_several_pixels_are_worth_compiling(worthy, settings, worth):
    settings = {"kernel_size": 3, "kind": keras.layers.Conv2D} | settings
    image = keras.Input((12, 12, 8))
    layer = settings.pop("kind")(6, **settings)
    network = keras.Model(image, layer(image))
    model = types.SimpleNamespace(networks_of_steps=lambda: [network])
    assert compilation.worth_compiling(model) == ([layer] if worth else [])


def test_nothing_is_compiled_where_onednn_is_turned_off(small, monkeypatch, avx2, worthy):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    decided = compilation.decide("auto", None, ONE, small)
    assert decided.name == "none" and "oneDNN" in decided.why


def test_gpu_is_compiled_for_unless_operations_are_to_be_deterministic(small, monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a GPU"])
    decided = compilation.decide("auto", None, ONE, small)
    assert decided.name == "xla" and "not measured" in decided.why
    assert compilation.decide("auto", None, ONE, small, deterministic=True).name == "none"


@pytest.mark.parametrize("noted", ["xla", "weight_gradients", "none"])
def test_what_was_begun_goes_on_so_unless_asked(small, noted):
    assert compilation.decide("auto", noted, ONE, small).name == noted
    for asked in ("xla", "weight_gradients", "none"):
        assert compilation.decide(asked, noted, ONE, small).name == asked


@pytest.mark.parametrize("noted", [None, "auto"])
def test_what_notes_no_form_is_decided(small, noted, avx2, worthy):
    assert compilation.decide("auto", noted, ONE, small).name == "weight_gradients"


def test_several_replicas_are_not_compiled_and_say_so(small, two_replicas, avx2, worthy):
    two = Placement(two_replicas, "a test")
    for noted in (None, "xla"):  # on one device it would go on as it was begun
        assert compilation.decide("auto", noted, two, small).name == "none"
    compilation.check("auto", two)
    compilation.check("xla", ONE)
    for asked in ("xla", "weight_gradients"):
        with pytest.raises(ValueError, match=f"{asked} is for one CPU or GPU; Mirrored"):
            compilation.check(asked, two)


def trained(compiled, folder):
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
    loop.Loop("classifier", stage, model, feed, folder, execution=seen, compiled=compiled).run()
    return model, losses


def test_twenty_compiled_steps_are_those_of_tensorflow(tmp_path, worthy):
    plain, expected = trained("none", tmp_path / "none")
    for form in ("xla", "weight_gradients"):
        compiled, losses = trained(form, tmp_path / form)
        assert len(losses) == 20 and losses[-1] < losses[0] - 0.05
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
        # TensorFlow's fused kernel, compiled by XLA, is 1.5e-2 off here.
        for value, other in zip(compiled.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(value, other, atol=1e-3)


def test_step_has_xla_compile_weight_gradients_and_nothing_else(small, worthy):
    batch = {"image": tf.zeros((2, 12, 12, 3)), "label": tf.zeros(2, tf.int32)}
    small.optimizer.build(small.trainable_variables)
    for form, count in (("weight_gradients", 1), ("none", 0)):
        step = tf.function(compilation.training_step(small, form), autograph=False)
        graph = step.get_concrete_function(batch).graph
        found = [op for op in graph.get_operations() if "PartitionedCall" in op.type]
        names = [op.get_attr("f").name for op in found]
        assert len([name for name in names if "weight_gradient" in name]) == count
        kinds = [op.type for op in graph.get_operations()]
        assert kinds.count("Conv2D") == 2 and kinds.count("Conv2DBackpropFilter") == 2 - count


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
    for number in range(5):
        (folder / f"program_{number}").write_bytes(b"12345678")
        os.utime(folder / f"program_{number}", (number, number))
    monkeypatch.setattr(compiled_programs, "_KEPT_BYTES", 20)
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    assert compiled_programs.keep() == folder
    assert sorted(path.name for path in folder.iterdir()) == ["program_3", "program_4"]
    assert compiled_programs.keep() is None  # what is set is left alone
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert compiled_programs.keep() is None
