"""Keep a trained detector as weights (safetensors) with a description beside them; nothing is unpickled."""

import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.common.files import atomic_write
from hardneg.models import networks

ARCHITECTURE = ("model", "channels", "hidden_units", "dropout")


def save(network: nn.Module, description: dict, weights_path: str | os.PathLike) -> None:
    """Write weights to `weights_path` (``.safetensors``) and `description` to the ``.json`` beside it.

    Parameters
    ----------
    description : what is needed to use the model, and what made it: at least ``training`` (with the keys of
        :data:`ARCHITECTURE`), ``input`` (windows and features) and ``shape`` (of one window's features).
    """
    with atomic_write(weights_path) as draft:
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, draft)
    tables.write_json(description, Path(weights_path).with_suffix(".json"))


def load(weights_path: str | os.PathLike, expected_input: dict) -> tuple[nn.Module, dict]:
    """Rebuild a detector, ready to score.

    Parameters
    ----------
    expected_input : the windows and features that it will be given.

    Returns
    -------
    The network in evaluation mode on the CPU, and its description.

    Raises
    ------
    InputError
        If either file is missing or damaged, or the model was trained on other windows or features.
    """
    path = Path(weights_path)
    described = path.with_suffix(".json")
    for needed in (path, described):
        if not needed.is_file():
            raise InputError(f"checkpoint {path}: {needed} does not exist; a model is its .safetensors and its .json.")
    try:
        description = tables.read_json(described)
        weights = load_file(path)
        with torch.device("meta"):  # a description cannot make the network larger than its weights
            architecture = {key: description["training"][key] for key in ARCHITECTURE}
            network = networks.build(**architecture, shape=description["shape"])
        network.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"checkpoint {path} is not a model that this workflow wrote: {error}") from error
    broken = [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise InputError(f"checkpoint {path} holds weights that are not finite numbers: {', '.join(broken)}.")
    if description.get("input") != expected_input:
        raise InputError(
            f"checkpoint {path} was trained on {description.get('input')}, and the config gives {expected_input}: "
            "set windows and features to the model's own."
        )
    return network.eval(), description
