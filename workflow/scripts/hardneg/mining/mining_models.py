"""The mining models of a configuration: one or several detectors whose scores rank the pool."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEAN, MINIMUM = "mean", "minimum"
NEEDS_LABEL = {"detections": "a table of detections", "classifier": "a BirdNET classifier"}
VALID_NAME = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, slots=True)
class MiningModel:
    """One mining model.

    Attributes
    ----------
    name : unique among the models; part of the paths of its results.
    kind : trained (by this workflow, before mining), checkpoint (of this workflow), classifier (of BirdNET) or
        detections (a table that another program wrote).
    path : the file or folder; ``train`` for the model that the workflow trains.
    label : the target's name in the model; None for the kinds that score one species only.
    seed : of the training; None for a model that the workflow does not train.
    """

    name: str
    kind: str
    path: str
    label: str | None
    seed: int | None = None


def list_models(mining: Mapping[str, Any]) -> list[MiningModel]:
    """List the mining models of a configuration, in its order.

    Parameters
    ----------
    mining : the block ``mining``: ``model`` is one model or a list; ``label`` applies to models without their own.
        With ``seeds``, ``train`` stands for one model per seed.

    Returns
    -------
    The models. A model without a name takes the name of its file, or "trained". One of several seeds adds its seed, as
    in "trained_123".
    """
    entries = mining["model"] if isinstance(mining["model"], list) else [mining["model"]]
    models = []
    for entry in entries:
        settings = entry if isinstance(entry, dict) else {"model": entry}
        path = str(Path(settings["model"]).expanduser())
        default_name = "trained" if path == "train" else re.sub(r"[^A-Za-z0-9_.+-]", "_", Path(path).stem)
        name, kind = settings.get("name", default_name), infer_kind(path)
        label = settings.get("label", mining.get("label"))
        if kind != "trained":
            models.append(MiningModel(name, kind, path, label))
        elif "seeds" in mining:
            models += [MiningModel(f"{name}_{seed}", kind, path, label, seed) for seed in mining["seeds"]]
        else:
            models.append(MiningModel(name, kind, path, label, mining.get("seed")))
    return models


def infer_kind(path: str) -> str:
    """Infer a model's kind from its path; see :class:`MiningModel`."""
    if path == "train":
        return "trained"
    return {".safetensors": "checkpoint", ".tflite": "classifier"}.get(Path(path).suffix, "detections")


def labels_path(path: str | os.PathLike[str]) -> Path:
    """Path of a BirdNET classifier's labels: beside its file, one label a line in the order of the outputs."""
    return Path(path).with_name(f"{Path(path).stem}_Labels.txt")


def find_problems(mining: Mapping[str, Any], tiers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Find contradictions in the models' names and in the tiers' choice of models.

    Parameters
    ----------
    mining : see :func:`list_models`.
    tiers : the definitions of the tiers.

    Yields
    ------
    One message per problem.
    """
    models = list_models(mining)
    names = [model.name for model in models]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"mining.model: two models are called '{name}': give each a name, as in {{name: old, model: PATH}}"
    for name in sorted({MEAN, MINIMUM} & set(names)):
        yield f"mining.model: '{name}' already means the {name} of all models: give the model another name"
    for model in models:
        if not VALID_NAME.fullmatch(model.name):
            yield f"mining.model: the name '{model.name}' may contain only letters, digits and _.+-"
        if model.kind in NEEDS_LABEL and model.label is None:
            yield f"mining.model is {NEEDS_LABEL[model.kind]}: set mining.label to the target's name in it"
    trained = [model for model in models if model.kind == "trained"]
    if len(trained) > len(mining.get("seeds", [0])):
        yield "mining.model: remove the second 'train': mining.seeds trains several models"
    if "seeds" in mining and not trained:
        yield "mining.seeds: the workflow trains no mining model: remove seeds, or add 'train' to mining.model"
    for tier, definition in tiers.items():
        if "ranked_by" in definition:
            yield from _ranking_problems(tier, tiers, [MEAN, MINIMUM, *names])


def _ranking_problems(tier: str, tiers: Mapping[str, Mapping[str, Any]], rankings: list[str]) -> Iterator[str]:
    ranked_by, matched = tiers[tier]["ranked_by"], tiers[tier].get("match_size_of")
    if ranked_by not in rankings:
        yield (
            f"negative_tiers.{tier}.ranked_by: no mining model is called '{ranked_by}'; use one of "
            f"{', '.join(rankings)}"
        )
    elif matched is not None and ranked_by != (expected := tiers.get(matched, {}).get("ranked_by", MEAN)):
        yield (
            f"negative_tiers.{tier}.ranked_by: a tier with match_size_of takes the ranking of '{matched}' "
            f"({expected}): remove ranked_by"
        )
