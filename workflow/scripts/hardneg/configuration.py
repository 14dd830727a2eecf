"""Hold a configuration against its schema, fill in its defaults, and refuse what cannot be meant."""

import difflib
import os
from collections.abc import Iterator
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from hardneg.common.errors import InputError
from hardneg.experiments.matrix import DESIGN_AXES
from hardneg.mining import mining_models, second_round
from hardneg.mining.tiers import is_none

Config = dict[str, Any]
MOST_VALUES = 100_000
# The keys of `features` that each kind has.
FEATURES = {
    "logmel": ("n_mels", "fmin", "fmax", "n_fft", "hop_s"),
    "birdnet": ("path",),
    "onnx": ("path", "output", "peak"),
    "exported": ("path", "output", "peak"),
}
BIRDNET_WINDOWS = {"length_s": 3.0, "sample_rate": 48_000}


def complete(config: dict, schema_path: str | os.PathLike) -> dict:
    """Check a configuration and fill in what it leaves out.

    Parameters
    ----------
    config : as read from YAML.
    schema_path : a JSON schema in YAML whose ``default``\\ s are filled in.

    Returns
    -------
    A new configuration. Snakemake compares parameters as they are written, so what means the same is the same here:
    keys in the schema's order (names that a person chose in theirs), numbers whole or not as the schema has them.

    Raises
    ------
    InputError
        If a key is unknown (with the key that was probably meant), a value is wrong, or a name that one part uses is
        not defined in another.
    """
    if _values(config) > MOST_VALUES:
        raise InputError(
            f"The configuration expands to more than {MOST_VALUES:,} values: are its YAML aliases meant so?"
        )
    with open(schema_path, encoding="utf-8") as file:
        schema = yaml.safe_load(file)
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        raise InputError("The configuration is not valid:\n" + "\n".join(f"  {_explain(error)}" for error in errors))
    filled = _fill(config, schema, schema)
    if "matrix" not in filled:
        return filled
    overrides = {
        key: {name: said for name, said in part.items() if name != "default"}
        for key, part in schema["properties"]["training"]["properties"].items()
    }
    for section in ("mining", "audit"):
        filled[section]["training"] = _fill(filled[section]["training"], {"properties": overrides}, schema)
    problems = [*_foreign_features(config["features"]), *_inconsistencies(filled)]
    if problems:
        raise InputError("The configuration contradicts itself:\n" + "\n".join(f"  {text}" for text in problems))
    own = ("kind", *FEATURES[filled["features"]["kind"]])
    return filled | {"features": {key: value for key, value in filled["features"].items() if key in own}}


def _values(part: object, so_far: int = 0) -> int:
    """Count the values in a configuration, and stop counting once there are too many (YAML aliases can nest)."""
    so_far += 1
    children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for child in children:
        if so_far > MOST_VALUES:
            break
        so_far = _values(child, so_far)
    return so_far


def _explain(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "the top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        return "; ".join(_explain_unknown_key(key, where, known) for key in error.instance if key not in known)
    if error.context:
        error = best_match([error])
        where = ".".join(map(str, error.absolute_path)) or where
    if error.validator == "enum":
        return f"{where}: {error.instance!r} is not one of {', '.join(map(str, error.validator_value))}"
    return f"{where}: {error.message}"


def _explain_unknown_key(key: str, where: str, known: dict[str, dict]) -> str:
    renamed = [name for name, part in known.items() if part.get("formerly") == key]
    hint = f": it is called '{renamed[0]}' now" if renamed else _meant(key, list(known))
    return f"unknown key '{key}' at {where}{hint}"


def _meant(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
    return f": did you mean '{near[0]}'?" if near else f"; known here: {', '.join(known)}"


def _fill(value: object, schema: dict, root: dict) -> object:
    """Fill in defaults, and write the same meaning in the same way: keys in the schema's order, numbers of its type."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [_fill(item, schema.get("items", {}), root) for item in value]
    if not isinstance(value, dict):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        cast = {"number": float, "integer": int}.get(str(schema.get("type"))) if number else None
        return cast(value) if cast else value
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    named = others if isinstance(others, dict) else {}
    filled = {
        key: _fill(value.get(key, part.get("default")), part, root)
        for key, part in known.items()
        if key in value or "default" in part
    }
    return filled | {key: _fill(value[key], named, root) for key in value if key not in known}


def _inconsistencies(config: dict) -> Iterator[str]:
    if ("generated" in config) == ("manifest" in config):
        yield "give either manifest (and audio_root) or generated"
    if ("manifest" in config) != ("audio_root" in config):
        yield "manifest and audio_root go together: give both"
    yield from _matrix_problems(config)
    yield from _tier_problems(config["negative_tiers"])
    yield from mining_models.find_problems(config["mining"], config["negative_tiers"])
    yield from _round_problems(config)
    yield from _positive_problems(config)
    yield from _feature_problems(config)


def _foreign_features(given: dict) -> Iterator[str]:
    kind = given.get("kind", "logmel")
    for key in set(given) - {"kind", *FEATURES[kind]}:
        owners = [name for name, keys in FEATURES.items() if key in keys]
        yield f"features.{key} is for features of kind {' or '.join(owners)}, not {kind}"


def _feature_problems(config: dict) -> Iterator[str]:
    features, windows, training = config["features"], config["windows"], config["training"]
    kind, rate = features["kind"], windows["sample_rate"]
    if kind == "logmel" and features["fmax"] > rate / 2:
        yield f"features.fmax ({features['fmax']:g} Hz) is above half of windows.sample_rate ({rate / 2:g} Hz)"
    if kind in ("onnx", "exported") and "path" not in features:
        yield f"features.kind {kind} needs features.path, the network's file"
    if kind == "birdnet" and any(windows[key] != value for key, value in BIRDNET_WINDOWS.items()):
        yield "BirdNET hears 3 s at 48,000 Hz: set windows.length_s to 3 and windows.sample_rate to 48000"
    mined_by = [model.kind for model in mining_models.list_models(config["mining"])]
    if "classifier" in mined_by and windows["length_s"] != BIRDNET_WINDOWS["length_s"]:
        yield "mining.model: a BirdNET classifier hears 3 s: set windows.length_s to 3"
    needed = "cnn" if kind == "logmel" else "head"
    for model in {
        *config["matrix"].get("model", [training["model"]]),
        config["mining"]["training"].get("model", needed),
    }:
        if model != needed:
            yield f"training.model {model} cannot be trained on features of kind {kind}: it needs {needed}"
    if training["balance"] and any(
        mode != "none" for mode in config["matrix"].get("upsampling", [training["upsampling"]])
    ):
        yield "training.upsampling fills the smaller class up, training.balance cuts the larger: set balance to false"


def _matrix_problems(config: dict) -> Iterator[str]:
    matrix = config["matrix"]
    for axis, where in (("positive_subset", "positive_subsets"), ("negative_tier", "negative_tiers")):
        for name in matrix[axis]:
            if name not in config[where]:
                yield f"matrix.{axis} names '{name}', which is not in {where}{_meant(name, list(config[where]))}"
    axes = [*DESIGN_AXES, "seed", *config["training"]]
    for axis in sorted(set(matrix) - set(axes)):
        yield f"matrix.{axis} is not an axis{_meant(axis, axes)}"
    for axis, value in config["export"]["run"].items():
        if str(value) not in map(str, matrix.get(axis, [])):
            yield f"export.run: the matrix has no {axis} {value}"
    for place, comparison in enumerate(config["comparisons"]):
        vary, baseline = comparison["vary"], comparison["baseline"]
        if vary == "seed" or vary not in matrix:
            yield f"comparisons.{place}.vary: '{vary}' is not an axis of the matrix other than seed"
        elif str(baseline) not in map(str, matrix[vary]):
            yield f"comparisons.{place}.baseline: '{baseline}' is not in matrix.{vary}"


def _tier_problems(tiers: dict) -> Iterator[str]:
    for name, tier in tiers.items():
        other = tier.get("match_size_of")
        if other is not None and other not in tiers:
            yield f"negative_tiers.{name}.match_size_of names '{other}', which is not a tier{_meant(other, list(tiers))}"
        elif other is not None and ("match_size_of" in tiers[other] or is_none(tiers[other])):
            yield f"negative_tiers.{name}.match_size_of: '{other}' must be a tier of its own size, neither none nor matched"
        if len({"random", "match_size_of"} & set(tier)) > 1 or len({"top_k", "top_fraction"} & set(tier)) > 1:
            yield f"negative_tiers.{name}: give one of random and match_size_of, and one of top_k and top_fraction"
        if tier.get("min_confidence", 0) >= tier.get("max_confidence", 1.1):
            yield f"negative_tiers.{name}: min_confidence must be below max_confidence"


def _round_problems(config: dict) -> Iterator[str]:
    tiers, again = config["negative_tiers"], second_round.resolve_settings(config)
    for name, tier in tiers.items():
        if "round" in tier and config["mining"]["rounds"] < 2:
            yield f"negative_tiers.{name}.round: there is one round of mining only: set mining.rounds to 2"
        if "round" in tier and {"random", "match_size_of"} & set(tier):
            yield f"negative_tiers.{name}: a tier of the second round cannot be drawn (random, match_size_of)"
    if config["mining"]["rounds"] < 2:
        return
    if "second" in [model.name for model in mining_models.list_models(config["mining"])]:
        yield "mining.model: 'second' is what the second round's detector is called: give the model another name"
    chosen = again.negative_tier
    if chosen is None:
        yield "mining.rounds: no tier of the matrix is cut from the first round: give mining.second_round.negative_tier"
    elif chosen not in tiers:
        yield f"mining.second_round.negative_tier names '{chosen}', which is not a tier{_meant(chosen, list(tiers))}"
    elif is_none(tiers[chosen]) or "round" in {*tiers[chosen], *tiers.get(tiers[chosen].get("match_size_of"), {})}:
        yield f"mining.second_round.negative_tier: '{chosen}' must hold files that the first round mined"
    name, subsets = again.positive_subset, list(config["positive_subsets"])
    if name not in subsets:
        yield f"mining.second_round.positive_subset: '{name}' is not in positive_subsets{_meant(name, subsets)}"


def _positive_problems(config: dict) -> Iterator[str]:
    subsets, mining = config["positive_subsets"], config["mining"]
    ranked_by = mining_models.list_models(mining)[0].kind
    trained_on = mining["positive_subset"]
    if trained_on not in subsets:
        yield f"mining.positive_subset: '{trained_on}' is not in positive_subsets{_meant(trained_on, list(subsets))}"
    elif subsets[trained_on].get("reviewed"):
        yield f"mining.positive_subset: '{trained_on}' holds reviewed files, which the mining model is to score"
    elif "add" in subsets[trained_on]:
        yield f"mining.positive_subset: '{trained_on}' adds ranked recordings, which the mining model is to rank"
    else:
        for name, subset in subsets.items():
            seen = set(subset.get("add", {}).get("quality", [])) & set(subsets[trained_on]["quality"])
            if seen and ranked_by == "trained":
                yield (
                    f"positive_subsets.{name}.add ranks {', '.join(sorted(seen))} recordings, which the mining model "
                    f"trains on (mining.positive_subset: {trained_on}); rank with a model that has not seen them"
                )
    for name, subset in subsets.items():
        if "add" in subset and ranked_by == "detections":
            yield (
                f"positive_subsets.{name}.add ranks positives by the mining model, or the first of several, which "
                "finished scores cannot"
            )
    for section in ("mining", "audit"):
        for key in config[section]["training"]:
            if key not in config["training"]:
                yield f"{section}.training.{key} is not a training key{_meant(key, list(config['training']))}"
