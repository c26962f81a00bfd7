"""The joint step by PyTorch, channels last, of the same networks with the same weights.

A process of its own, without TensorFlow; `benchmarks.train_step --against_torch` runs it:

python -m benchmarks.torch_twin FOLDER --steps=3

FOLDER is what `train_step` writes: `networks.json`, the two networks as Keras describes them, and
`values.npz`, their weights, a batch, and what Keras answers to it in training. The twin must give
the same map, scores and loss before it is timed. The last line printed is JSON.
"""

import argparse
import json
import os
import pathlib
import time
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import nn
from torch.nn import functional

_BGR_MEANS = (103.939, 116.779, 123.68)  # of VGG's training images
_TOLERANCE = 1e-3  # of the largest value; 94 normalised layers in float32


class _Convolution(nn.Module):
    """A convolution, with the ReLU that Keras' layer may hold."""

    def __init__(self, settings: Mapping, weights: list[np.ndarray]):
        super().__init__()
        kernel = torch.from_numpy(weights[0].transpose(3, 2, 0, 1).copy())
        self.kernel = nn.Parameter(kernel.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.from_numpy(weights[1])) if len(weights) > 1 else None
        self.strides = tuple(settings["strides"])
        self.padding = settings["padding"]
        self.is_rectified = settings["activation"] == "relu"

    def forward(self, x):
        out = functional.conv2d(x, self.kernel, self.bias, self.strides, self.padding)
        return functional.relu(out, inplace=True) if self.is_rectified else out


class _Normalization(nn.Module):
    """Batch normalisation, with or without a scale."""

    def __init__(self, settings: Mapping, weights: list[np.ndarray]):
        super().__init__()
        values = [torch.from_numpy(value) for value in weights]
        self.scale = nn.Parameter(values.pop(0)) if settings["scale"] else None
        self.offset = nn.Parameter(values.pop(0))
        self.register_buffer("mean", values[0])
        self.register_buffer("variance", values[1])
        self.share, self.epsilon = 1 - settings["momentum"], settings["epsilon"]

    def forward(self, x):
        return functional.batch_norm(
            x,
            self.mean,
            self.variance,
            self.scale,
            self.offset,
            training=True,
            momentum=self.share,
            eps=self.epsilon,
        )


class _Dense(nn.Module):
    """A dense layer."""

    def __init__(self, weights: list[np.ndarray]):
        super().__init__()
        self.kernel = nn.Parameter(torch.from_numpy(weights[0].T.copy()))
        self.bias = nn.Parameter(torch.from_numpy(weights[1]))

    def forward(self, x):
        return functional.linear(x, self.kernel, self.bias)


class _Plain(nn.Module):
    """A layer without weights."""

    def __init__(self, kind: str, settings: Mapping):
        super().__init__()
        self.kind, self.settings = kind, settings

    def forward(self, x):
        settings = self.settings
        if self.kind == "VggPreprocessing":
            means = torch.tensor(_BGR_MEANS).reshape(1, 3, 1, 1)
            return (x.flip(1) - means).contiguous(memory_format=torch.channels_last)
        if self.kind == "Rescaling":
            return x * settings["scale"] + settings["offset"]
        if self.kind == "Activation":
            return functional.relu(x, inplace=True)
        if self.kind == "MaxPooling2D":
            # Keras pads the far side alone, as ceil mode does with two cells.
            whole = settings["padding"] == "same"
            return functional.max_pool2d(
                x, tuple(settings["pool_size"]), tuple(settings["strides"]), ceil_mode=whole
            )
        if self.kind == "AveragePooling2D":
            return functional.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)
        if self.kind == "GlobalAveragePooling2D":
            return x.mean((2, 3))
        if self.kind == "BilinearUpsampling":
            corners = settings["align_corners"]
            size = tuple(settings["size"])
            return functional.interpolate(x, size, mode="bilinear", align_corners=corners)
        raise ValueError(f"no layer of PyTorch stands for {self.kind}")


def _layer(kind: str, settings: Mapping, weights: list[np.ndarray]) -> nn.Module:
    """One layer of Keras as a module."""
    if kind == "Conv2D":
        return _Convolution(settings, weights)
    if kind == "BatchNormalization":
        return _Normalization(settings, weights)
    return _Dense(weights) if kind == "Dense" else _Plain(kind, settings)


def _sources(node: Mapping) -> list[str]:
    """Names of the layers that a layer reads."""
    read = node["args"][0]
    tensors = read if isinstance(read, list) else [read]
    return [tensor["config"]["keras_history"][0] for tensor in tensors]


class Network(nn.Module):
    """A functional network of Keras, layer by layer.

    Args:
        described: what `get_config` of the network returns.
        values: "<layer>/<number>" -> weight, as Keras orders and shapes them.
    """

    def __init__(self, described: Mapping, values: Mapping[str, np.ndarray]):
        super().__init__()
        self.layers, self.reads = nn.ModuleDict(), {}
        for one in described["layers"]:
            name, kind = one["name"], one["class_name"]
            if kind == "InputLayer":
                continue
            self.reads[name] = _sources(one["inbound_nodes"][0])
            if kind != "Concatenate":
                weights = [values[key] for key in _keys(name, values)]
                self.layers[name] = _layer(kind, one["config"], weights)

    def forward(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Returns what the last layer gives for named inputs, [b, c, h, w] each."""
        found = dict(inputs)
        for name, sources in self.reads.items():
            read = [found[source] for source in sources]
            joined = name not in self.layers
            found[name] = torch.cat(read, 1) if joined else self.layers[name](read[0])
        return found[name]


def _keys(name: str, values: Mapping) -> Iterator[str]:
    """Keys of the weights of a layer, in Keras' order."""
    number = 0
    while f"{name}/{number}" in values:
        yield f"{name}/{number}"
        number += 1


class _Joint(nn.Module):
    """Detector and classifier under `alpha * cross-entropy + MSE`."""

    def __init__(self, described: Mapping, values: Mapping[str, np.ndarray]):
        super().__init__()
        own = {
            part: {k.removeprefix(f"{part}/"): v for k, v in values.items()} for part in described
        }
        self.detector = Network(described["detector"], own["detector"])
        self.classifier = Network(described["classifier"], own["classifier"])

    def forward(self, image, saliency, label, alpha):
        found = self.detector({"image": image})
        logits = self.classifier({"image": image, "saliency": found})
        loss = alpha * functional.cross_entropy(logits, label)
        return found, logits, loss + functional.mse_loss(found, saliency)


def _check(name: str, own: torch.Tensor, keras: np.ndarray) -> None:
    """Raises where the twin answers otherwise."""
    off = np.abs(own.detach().numpy() - keras).max() / np.abs(keras).max()
    if not off < _TOLERANCE:
        raise SystemExit(f"error: {name} of the twin is {off:.2g} of the largest value off Keras'")


def main() -> None:
    """Builds the twin, compares it with Keras and times its steps."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=3, help="timed steps")
    parser.add_argument("--alpha", type=float, default=0.2)
    given = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    with np.load(given.folder / "values.npz") as stored:
        values = dict(stored)
    described = json.loads((given.folder / "networks.json").read_text(encoding="utf-8"))
    model = _Joint(described, values)
    image, saliency = (
        torch.from_numpy(values[name].transpose(0, 3, 1, 2).copy()).contiguous(
            memory_format=torch.channels_last
        )
        for name in ("image", "saliency")
    )
    label = torch.from_numpy(values["label"])
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)

    def step() -> tuple[torch.Tensor, ...]:
        optimizer.zero_grad(set_to_none=True)
        found, logits, loss = model(image, saliency, label, given.alpha)
        loss.backward()
        optimizer.step()
        return found.permute(0, 2, 3, 1), logits, loss

    for name, own in zip(("map", "logits", "loss"), step(), strict=True):
        _check(name, own, values[f"answer_{name}"])
    began = time.perf_counter()
    for _ in range(given.steps):
        step()
    rate = given.steps * len(label) / (time.perf_counter() - began)
    print(json.dumps({"images_per_second": rate, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
