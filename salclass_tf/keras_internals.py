"""What Keras has and does not promise: the one module that reaches into it.

Another release may change any of it. `pyproject.toml` bounds Keras by what the tests of this module
were run with.
"""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib

LearningRateSchedule = keras.optimizers.schedules.LearningRateSchedule


def application(family: str) -> ModuleType:
    """Returns the module of a family of `keras.applications`, with its addresses and checksums.

    The public modules leave out the constants that say where trained weights are.

    Args:
        family: such as "convnext" or "mobilenet_v3".
    """
    return importlib.import_module(f"keras.src.applications.{family}")


def run_through_graph(network: keras.Model, inputs: Any, call: Callable[..., Any]) -> Any:
    """Walks over the graph of a functional model with other values than tensors.

    `keras.models.clone_model`, the public use of this walk, can only make layers.

    Args:
        network: functional.
        inputs: stand in for its inputs, in the same structure.
        call: gets each operation and its arguments, returns what stands in for its outputs.

    Returns:
        What stands in for the network's outputs.
    """
    return network._run_through_graph(inputs, call_fn=call)


def graph_of(operation: keras.Operation) -> keras.Model | None:
    """Returns the graph of a functional or sequential model; None for any other layer."""
    inner = getattr(operation, "_functional", operation)
    return inner if hasattr(inner, "_run_through_graph") else None


def operation_of(tensor: keras.KerasTensor) -> keras.Operation:
    """Returns the operation of a graph that outputs a tensor."""
    return tensor._keras_history.operation


def number_of_uses(operation: keras.Operation) -> int:
    """Returns how often an operation's output is the input of another one, in any graph."""
    return len(operation._outbound_nodes)


def rate_of(optimizer: keras.Optimizer) -> LearningRateSchedule | tf.Variable:
    """Returns the schedule of an optimizer's learning rate, or the variable of a constant one.

    The public property gives the number of the step to come.
    """
    return optimizer._learning_rate


def index_of(optimizer: keras.Optimizer, variable: tf.Variable) -> int:
    """Returns the place of a variable among those that an optimizer was built with."""
    return optimizer._get_variable_index(variable)


def remember_saved_attributes() -> None:
    """Has Keras find out once which attributes of layers it saves, until its session is cleared.

    Keras 3.15 means to, but notes the answer under another name than it looks for, and makes an
    empty layer for every layer that it reads or writes: half the time of saving Inception-v3.
    """
    for kind in ("Layer", "Functional"):
        known = saving_lib.get_attr_skipset(kind)
        global_state.set_global_attribute(f"saving_attr_skiplist_{kind}", known)


def moments_of(adam: keras.optimizers.Adam, index: int) -> tuple[keras.Variable, keras.Variable]:
    """Returns Adam's first and second moment of a variable, by its place; see `index_of`."""
    return adam._momentums[index], adam._velocities[index]
