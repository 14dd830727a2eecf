"""What the pool may be mined with, by one model or by several."""

import re
from collections.abc import Iterator
from pathlib import Path

MEAN, MINIMUM = "mean", "minimum"
LABELLED = {"detections": "a table of detections", "classifier": "a BirdNET classifier"}
NAMEABLE = re.compile(r"[A-Za-z0-9_.+-]+")


def listed(mining: dict) -> list[dict]:
    """The mining models of a configuration, in its order.

    Parameters
    ----------
    mining : the block ``mining``: ``model`` and, for what is not trained here, ``label``.

    Returns
    -------
    Of each ``name``, ``kind`` (see :func:`kind_of`), ``path`` ("train" for the one trained here) and ``label`` (None
    where none is given). A model without a name takes that of its file, or "trained".
    """
    given = mining["model"] if isinstance(mining["model"], list) else [mining["model"]]
    models = []
    for entry in given:
        entry = entry if isinstance(entry, dict) else {"model": entry}
        path = str(Path(entry["model"]).expanduser())
        own = "trained" if path == "train" else re.sub(r"[^A-Za-z0-9_.+-]", "_", Path(path).stem)
        models.append(
            {
                "name": entry.get("name", own),
                "kind": kind_of(path),
                "path": path,
                "label": entry.get("label", mining.get("label")),
            }
        )
    return models


def kind_of(model: str) -> str:
    """The kind of a model: trained (here), checkpoint (of this workflow), classifier (BirdNET's) or detections."""
    if model == "train":
        return "trained"
    return {".safetensors": "checkpoint", ".tflite": "classifier"}.get(Path(model).suffix, "detections")


def labels_path(path: str | Path) -> Path:
    """Where a BirdNET classifier's labels are, one a line in the order of its outputs: beside it."""
    return Path(path).with_name(f"{Path(path).stem}_Labels.txt")


def problems(mining: dict, tiers: dict[str, dict]) -> Iterator[str]:
    """Say what of the models' names, and of the tiers' choices among them, cannot be meant.

    Parameters
    ----------
    mining : see :func:`listed`.
    tiers : the definitions of the tiers.
    """
    models = listed(mining)
    names = [model["name"] for model in models]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"mining.model: two models are called '{name}': give each a name, as in {{name: old, model: PATH}}"
    for name in sorted({MEAN, MINIMUM} & set(names)):
        yield f"mining.model: '{name}' is what tiers call the {name} of all models: give the model another name"
    for model in models:
        if not NAMEABLE.fullmatch(model["name"]):
            yield f"mining.model: the name '{model['name']}' may hold letters, digits and _.+- only"
        if model["kind"] in LABELLED and model["label"] is None:
            yield f"mining.model is {LABELLED[model['kind']]}: give the target's name in it as mining.label"
    if sum(model["kind"] == "trained" for model in models) > 1:
        yield "mining.model: only one model can be trained here"
    known = [MEAN, MINIMUM, *names]
    for tier, definition in tiers.items():
        by, other = definition.get("ranked_by"), tiers.get(definition.get("match_size_of"), {})
        if by is not None and by not in known:
            yield f"negative_tiers.{tier}.ranked_by names '{by}', which is no mining model; known here: {', '.join(known)}"
        elif by is not None and "match_size_of" in definition and by != other.get("ranked_by", MEAN):
            yield (
                f"negative_tiers.{tier}.ranked_by: a matched tier is cut by what the tier that it matches is cut by "
                f"({other.get('ranked_by', MEAN)}): leave it out"
            )
