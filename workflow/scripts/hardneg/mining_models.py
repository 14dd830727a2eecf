"""What the pool may be mined with."""

from pathlib import Path


def kind_of(model: str) -> str:
    """The kind of ``mining.model``: trained (here), checkpoint (of this workflow) or detections (finished scores)."""
    if model == "train":
        return "trained"
    return "checkpoint" if Path(model).suffix == ".safetensors" else "detections"
