"""Check that the files which a configuration names exist.

Snakemake does not miss an input if the outputs that were made from it exist. A path with a typing error, after a
finished run, would therefore look like finished work.
"""

from collections.abc import Iterator
from pathlib import Path

from hardneg.common.errors import InputError
from hardneg.configuration_rules import Config
from hardneg.mining import mining_models


def refuse_missing_files(config: Config) -> None:
    """Refuse a configuration that names a file or folder that does not exist.

    Parameters
    ----------
    config : a complete configuration, of an experiment or of finished runs.

    Raises
    ------
    InputError
        If a file is missing. The message lists all of them with their keys.
    """
    missing = [
        f"  {key}: {path}"
        for key, path, is_folder in _list_paths(config)
        if not (path.is_dir() if is_folder else path.is_file())
    ]
    if missing:
        raise InputError(
            "The configuration names files that do not exist. Correct the paths, or connect the disk that they are "
            "on.\n" + "\n".join(missing)
        )


def _list_paths(config: Config) -> Iterator[tuple[str, Path, bool]]:
    """List the key and the path of each file that the configuration names, and whether it must be a folder."""
    if "finished_runs" in config:
        yield "finished_runs.table", _expand(config["finished_runs"]["table"]), False
        return
    if "manifest" in config:
        yield "manifest", _expand(config["manifest"]), False
        yield "audio_root", _expand(config["audio_root"]), True
    if "path" in config["features"]:
        yield "features.path", _expand(config["features"]["path"]), False
    for model in mining_models.list_models(config["mining"]):
        # Of finished detections, the tables are looked up when the mining is planned.
        if model.kind in ("checkpoint", "classifier"):
            yield "mining.model", _expand(model.path), False
        if model.kind == "checkpoint":
            yield "mining.model (the model's description)", _expand(model.path).with_suffix(".json"), False
        if model.kind == "classifier":
            yield "mining.model (the classifier's labels)", mining_models.labels_path(_expand(model.path)), False


def _expand(path: str) -> Path:
    return Path(path).expanduser()
