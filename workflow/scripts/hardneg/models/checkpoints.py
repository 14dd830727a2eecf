"""Trained detectors on disk: weights (safetensors) with a JSON description beside them. Nothing is unpickled."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write
from hardneg.models import networks

ARCHITECTURE_KEYS = ("model", "channels", "hidden_units", "dropout")
# What a file may hold, read before anything is allocated. The networks of this workflow are far below.
MAX_HEADER_BYTES = 1 << 20
MAX_WEIGHTS_BYTES = 1 << 30
MAX_DESCRIPTION_BYTES = 1 << 20
MAX_CONVOLUTIONS = 20


def save(network: nn.Module, description: Mapping[str, Any], weights_path: str | os.PathLike[str]) -> None:
    """Write weights to `weights_path` (``.safetensors``) and `description` to the ``.json`` beside it.

    Parameters
    ----------
    description : what :func:`load` needs: ``training`` (with the keys of :data:`ARCHITECTURE_KEYS`), ``input`` (windows
        and features) and ``shape`` (of one window's features). Other keys are stored too.
    """
    with atomic_write(weights_path) as draft:
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, draft)
    tables.write_json(dict(description), Path(weights_path).with_suffix(".json"))


def load(weights_path: str | os.PathLike[str], expected_input: Mapping[str, Any]) -> networks.Network:
    """Rebuild a detector, ready to score.

    Parameters
    ----------
    expected_input : the windows and features that you will score.

    Returns
    -------
    The network in evaluation mode, on the CPU.

    Raises
    ------
    InputError
        If either file is missing or damaged, or the model was trained on other windows or features.
    """
    path = Path(weights_path)
    description_path = path.with_suffix(".json")
    for required in (path, description_path):
        if not required.is_file():
            raise InputError(
                f"checkpoint {path}: {required} does not exist. A model consists of a .safetensors and a .json file."
            )
    try:
        description = tables.read_json(description_path, MAX_DESCRIPTION_BYTES)
        _check_sizes(path, description)
        weights = load_file(path)
        with torch.device("meta"):  # a description cannot make the network larger than its weights
            architecture = {key: description["training"][key] for key in ARCHITECTURE_KEYS}
            network = networks.build(**architecture, shape=description["shape"])
        network.load_state_dict(weights, assign=True)
    except InputError:
        raise
    except (SafetensorError, RuntimeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"checkpoint {path} is not a model that this workflow wrote, or is damaged: {error}. If it is a "
            "result, delete it and run again."
        ) from error
    invalid = [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if invalid:
        raise InputError(f"checkpoint {path} contains weights that are not finite numbers: {', '.join(invalid)}.")
    if description.get("input") != expected_input:
        raise InputError(
            f"checkpoint {path} was trained on {description.get('input')}, but the configuration specifies "
            f"{expected_input}. Set windows and features to those of the model."
        )
    network.origin = str(path)
    return network.eval()


def _check_sizes(path: Path, description: Mapping[str, Any]) -> None:
    """Refuse a model that is too large, from the sizes that its files state."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
    if size > MAX_WEIGHTS_BYTES or MAX_HEADER_BYTES < header_size < size:  # a larger header is a damaged one
        raise InputError(
            f"checkpoint {path} has {size:,} bytes, and its list of tensors {header_size:,}. No network of this "
            f"workflow has more than {MAX_WEIGHTS_BYTES:,} and {MAX_HEADER_BYTES:,}, so it is not loaded."
        )
    channels = description["training"]["channels"]
    if len(channels) > MAX_CONVOLUTIONS:
        raise InputError(
            f"checkpoint {path} is described with {len(channels):,} convolutions. A network of this workflow has at "
            f"most {MAX_CONVOLUTIONS}, so it is not loaded."
        )
