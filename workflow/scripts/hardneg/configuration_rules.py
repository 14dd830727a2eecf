"""Find what a schema cannot: parts of a configuration that contradict each other."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import pandas as pd

from hardneg.experiments.matrix import DESIGN_AXES, expand, select_run
from hardneg.features.feature_settings import KINDS, find_oversized
from hardneg.mining import mining_models, second_round
from hardneg.mining.tiers import is_none, is_redrawn

Config = dict[str, Any]

# The keys of `features` that each kind of feature uses, besides `kind`.
FEATURE_KEYS = {kind: tuple(field.name for field in fields(settings)) for kind, settings in KINDS.items()}
# The keys of `training.augmentation` that change nothing by themselves.
BACKGROUND_DETAILS = ("background_share", "background_snr_db")
BIRDNET_WINDOWS = {"length_s": 3.0, "sample_rate": 48_000}
SECOND_ROUND_MODEL = "second"


def find_contradictions(config: Config) -> Iterator[str]:
    """Find the parts of a configuration that contradict each other.

    Parameters
    ----------
    config : a configuration that fits its schema, with its defaults filled in.

    Yields
    ------
    One message for each problem.
    """
    if ("generated" in config) == ("manifest" in config):
        yield "give either manifest (with audio_root) or generated"
    if ("manifest" in config) != ("audio_root" in config):
        yield "manifest and audio_root need each other: give both"
    yield from _matrix_problems(config)
    yield from _comparison_problems(config)
    yield from _left_out_problems(config)
    yield from _tier_problems(config["negative_tiers"])
    yield from mining_models.find_problems(config["mining"], config["negative_tiers"])
    yield from _round_problems(config)
    yield from _positive_problems(config)
    yield from _split_problems(config["splits"])
    yield from _decide_problems(config)
    yield from _feature_problems(config)
    yield from _training_problems(config)
    yield from _threshold_problems(config["evaluation"]["threshold"])


def find_foreign_features(features: Config) -> Iterator[str]:
    """Find the keys of `features` that belong to another kind of feature, before defaults are filled in."""
    kind = features.get("kind", "logmel")
    for key in sorted(set(features) - {"kind", *FEATURE_KEYS[kind]}):
        kinds = [name for name, keys in FEATURE_KEYS.items() if key in keys]
        yield f"features.{key} is for features of kind {' or '.join(kinds)}, not {kind}"


def find_foreign_augmentation(config: Config) -> Iterator[str]:
    """Find augmentation of embeddings, before defaults are filled in."""
    kind = config["features"].get("kind", "logmel")
    for section in ("training", "mining.training", "audit.training"):
        training = config
        for part in section.split("."):
            training = training.get(part, {})
        strengths = training.get("augmentation", {})
        is_on = any(value not in (0, "none") for key, value in strengths.items() if key not in BACKGROUND_DETAILS)
        if kind != "logmel" and is_on:
            yield (
                f"{section}.augmentation changes spectrograms, and features of kind {kind} are embeddings: remove it. "
                "training.mixup and training.dropout work on embeddings."
            )


def suggest(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that was probably meant, or list the known names."""
    names = list(known)
    similar = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    return f": did you mean '{similar[0]}'?" if similar else f"; known here: {', '.join(names)}"


def _matrix_problems(config: Config) -> Iterator[str]:
    matrix = config["matrix"]
    for axis, section in (("positive_subset", "positive_subsets"), ("negative_tier", "negative_tiers")):
        for name in matrix[axis]:
            if name not in config[section]:
                yield f"matrix.{axis}: '{name}' is not in {section}{suggest(name, config[section])}"
    axes = [*DESIGN_AXES, "seed", *config["training"]]
    for axis in sorted(set(matrix) - set(axes)):
        yield f"matrix.{axis} is not an axis{suggest(axis, axes)}"
    for axis, value in config["export"]["run"].items():
        if str(value) not in map(str, matrix.get(axis, [])):
            yield f"export.run: the matrix has no {axis} {value}"


def _comparison_problems(config: Config) -> Iterator[str]:
    matrix = config["matrix"]
    for index, comparison in enumerate(config["comparisons"]):
        vary, baseline = comparison["vary"], comparison["baseline"]
        if vary == "seed":
            yield f"comparisons.{index}.vary: seeds are repetitions and are not compared: name another axis"
        elif vary not in matrix:
            yield f"comparisons.{index}.vary: '{vary}' is not an axis of the matrix{suggest(vary, matrix)}"
        elif str(baseline) not in map(str, matrix[vary]):
            yield f"comparisons.{index}.baseline: '{baseline}' is not in matrix.{vary}"


def _left_out_problems(config: Config) -> Iterator[str]:
    matrix, unknown = config["matrix"], False
    for index, combination in enumerate(config["leave_out"]):
        key = f"leave_out.{index}"
        for axis, values in combination.items():
            known = list(map(str, matrix.get(axis, [])))
            problems = [
                f"{key}.{axis}: the matrix has no {axis} {value}" for value in values if str(value) not in known
            ]
            if axis == "seed":
                problems = [f"{key}.seed: seeds are repetitions of every arm: name another axis"]
            elif axis not in matrix:
                problems = [f"{key}.{axis}: '{axis}' is not an axis of the matrix{suggest(axis, matrix)}"]
            unknown |= bool(problems)
            yield from problems
    if unknown or not config["leave_out"]:
        return
    runs = expand(matrix, config["leave_out"])
    for axis, values in matrix.items():
        for value in sorted(set(map(str, values)) - set(runs[axis])):
            yield f"leave_out leaves no run with {axis} {value}: remove it from matrix.{axis}"
    exported = select_run(matrix, config["export"]["run"])
    if not len(runs.merge(pd.DataFrame([exported]))):
        yield "export.run is a run that leave_out leaves out: name values of a run that is trained"
    for index, comparison in enumerate(config["comparisons"]):
        vary, baseline = comparison["vary"], str(comparison["baseline"])
        if vary not in runs:
            continue
        others = [axis for axis in runs if axis != vary]
        if not len(runs[runs[vary] == baseline].merge(runs[runs[vary] != baseline], on=others)):
            yield f"comparisons.{index}: leave_out leaves no run of another {vary} to compare with {baseline}"


def _tier_problems(tiers: dict[str, Config]) -> Iterator[str]:
    for name, tier in tiers.items():
        key, matched = f"negative_tiers.{name}", tier.get("match_size_of")
        if matched is not None and matched not in tiers:
            yield f"{key}.match_size_of: '{matched}' is not a tier{suggest(matched, tiers)}"
        elif matched is not None and ("match_size_of" in tiers[matched] or is_none(tiers[matched])):
            yield f"{key}.match_size_of: '{matched}' is itself matched or mines nothing: name another tier"
        if "redraw" in tier and not {"random", "match_size_of"} & set(tier):
            yield f"{key}.redraw is for tiers that are drawn at random: remove it, or add random or match_size_of"
        if "disjoint" in tier and matched is None:
            yield f"{key}.disjoint leaves out the files of the tier in match_size_of: remove it, or add match_size_of"
        if tier.get("disjoint") and matched in tiers and is_redrawn(tiers[matched]) and not is_redrawn(tier):
            yield f"{key}.disjoint: '{matched}' is drawn again for each seed: remove redraw from '{name}'"
        if len({"random", "match_size_of"} & set(tier)) > 1:
            yield f"{key}: random and match_size_of both set its size: give one of them"
        if len({"top_k", "top_fraction"} & set(tier)) > 1:
            yield f"{key}: top_k and top_fraction both limit it: give one of them"
        if tier.get("min_confidence", 0) >= tier.get("max_confidence", 1.1):
            yield f"{key}: min_confidence must be below max_confidence"


def _round_problems(config: Config) -> Iterator[str]:
    tiers, rounds = config["negative_tiers"], config["mining"]["rounds"]
    for name, tier in tiers.items():
        if "round" in tier and rounds < 2:
            yield f"negative_tiers.{name}.round: the pool is mined only once: set mining.rounds to 2"
        if "round" in tier and {"random", "match_size_of"} & set(tier):
            yield f"negative_tiers.{name}: a tier of the second round cannot be random or match_size_of: remove round"
    if rounds == 2:
        yield from _second_round_problems(config)


def _second_round_problems(config: Config) -> Iterator[str]:
    tiers, subsets = config["negative_tiers"], config["positive_subsets"]
    settings = second_round.resolve_settings(config)
    if SECOND_ROUND_MODEL in [model.name for model in mining_models.list_models(config["mining"])]:
        yield (
            f"mining.model: '{SECOND_ROUND_MODEL}' is the name of the second round's detector: "
            "give the model another name"
        )
    tier = settings.negative_tier
    if tier is None:
        yield "mining.rounds: the first round mines no tier of the matrix: set mining.second_round.negative_tier"
    elif tier not in tiers:
        yield f"mining.second_round.negative_tier: '{tier}' is not a tier{suggest(tier, tiers)}"
    elif is_none(tiers[tier]) or "round" in {*tiers[tier], *tiers.get(tiers[tier].get("match_size_of"), {})}:
        yield f"mining.second_round.negative_tier: '{tier}' must contain files that the first round mined"
    if settings.positive_subset not in subsets:
        yield (
            f"mining.second_round.positive_subset: '{settings.positive_subset}' is not in positive_subsets"
            f"{suggest(settings.positive_subset, subsets)}"
        )


def _positive_problems(config: Config) -> Iterator[str]:
    subsets, trained_on = config["positive_subsets"], config["mining"]["positive_subset"]
    ranking_kind = mining_models.list_models(config["mining"])[0].kind
    if trained_on not in subsets:
        yield f"mining.positive_subset: '{trained_on}' is not in positive_subsets{suggest(trained_on, subsets)}"
    elif subsets[trained_on].get("reviewed"):
        yield (
            f"mining.positive_subset: '{trained_on}' includes reviewed files of the pool, which the mining model must "
            "score: name a subset without reviewed"
        )
    elif "add" in subsets[trained_on]:
        yield (
            f"mining.positive_subset: '{trained_on}' adds recordings that the mining model must rank first: name a "
            "subset without add"
        )
    elif ranking_kind == "trained":
        yield from _self_ranking_problems(subsets, trained_on)
    for name, subset in subsets.items():
        if "add" in subset and ranking_kind == "detections":
            yield (
                f"positive_subsets.{name}.add needs a model that ranks positives, and finished scores cannot: list "
                "another model first in mining.model"
            )


def _self_ranking_problems(subsets: dict[str, Config], trained_on: str) -> Iterator[str]:
    for name, subset in subsets.items():
        shared = set(subset.get("add", {}).get("quality", [])) & set(subsets[trained_on]["quality"])
        if shared:
            yield (
                f"positive_subsets.{name}.add ranks {', '.join(sorted(shared))} recordings, which the mining model "
                f"trains on (mining.positive_subset: {trained_on}): rank with a model that was not trained on them"
            )


def _decide_problems(config: Config) -> Iterator[str]:
    if "decide" not in config:
        return
    seeds, most = len(config["matrix"]["seed"]), config["decide"]["seeds_at_most"]
    if most <= seeds or seeds < 2:
        yield f"decide.seeds_at_most ({most}) must be above the number of seeds in the matrix ({seeds}, at least 2)"
    if config["training"]["augmentation"]["background"] == "pool":
        yield "decide: with training.augmentation.background: pool, a new seed would change the training of all others"
    if config["splits"].get("rotate"):
        yield "decide and splits.rotate exclude each other: where sites are few, they limit a verdict, and not seeds"


def _split_problems(splits: Config) -> Iterator[str]:
    if splits.get("rotate") and splits["ood_sites"]:
        yield "splits.ood_sites and splits.rotate exclude each other: rotate holds every site out in turn"


def _feature_problems(config: Config) -> Iterator[str]:
    features, windows = config["features"], config["windows"]
    kind, rate = features["kind"], windows["sample_rate"]
    yield from find_oversized(windows, features)
    if kind == "logmel" and features["fmax"] > rate / 2:
        yield f"features.fmax ({features['fmax']:g} Hz) is above half of windows.sample_rate ({rate / 2:g} Hz)"
    if kind in ("onnx", "exported") and "path" not in features:
        yield f"features.kind {kind} needs features.path, the network's file"
    if kind == "birdnet" and any(windows[key] != value for key, value in BIRDNET_WINDOWS.items()):
        yield "BirdNET processes 3 s at 48,000 Hz: set windows.length_s to 3 and windows.sample_rate to 48000"
    mining_kinds = [model.kind for model in mining_models.list_models(config["mining"])]
    if "classifier" in mining_kinds and windows["length_s"] != BIRDNET_WINDOWS["length_s"]:
        yield "mining.model: a BirdNET classifier processes 3 s: set windows.length_s to 3"


def _training_problems(config: Config) -> Iterator[str]:
    matrix, training, kind = config["matrix"], config["training"], config["features"]["kind"]
    required = "cnn" if kind == "logmel" else "head"
    models = {*matrix.get("model", [training["model"]]), config["mining"]["training"].get("model", required)}
    for model in sorted(models - {required}):
        yield f"training.model {model} cannot be trained on features of kind {kind}: it needs {required}"
    yield from _balance_problems(config)
    yield from _epoch_problems(config)
    for section in ("mining", "audit"):
        for key in config[section]["training"]:
            if key not in training:
                yield f"{section}.training.{key} is not a training key{suggest(key, training)}"


def _threshold_problems(threshold: Config) -> Iterator[str]:
    rule, value = threshold["rule"], threshold.get("value")
    if rule != "f1" and value is None:
        yield f"evaluation.threshold.rule {rule} needs evaluation.threshold.value: give the {rule} to reach"
    if rule == "f1" and value is not None:
        yield "evaluation.threshold.value is for the rules precision, recall and false_positives_per_hour, not f1"
    if rule in ("precision", "recall") and value is not None and value > 1:
        yield f"evaluation.threshold.value is a {rule} and must be at most 1"


def _epoch_problems(config: Config) -> Iterator[str]:
    for section in ("training", "mining.training", "audit.training"):
        changes = config if section == "training" else config[section.split(".")[0]]
        training = {**config["training"], **changes["training"]}
        low, high = training["augmentation"].get("background_snr_db", [0, 0])
        if low > high:
            yield f"{section}.augmentation.background_snr_db: the first number is the lowest: swap the two"
        if training["patience"] > 0 and training["min_epochs"] > training["epochs"]:
            yield (
                f"{section}.min_epochs ({training['min_epochs']}) is above epochs ({training['epochs']}), so that "
                "patience has no effect: lower min_epochs, or set patience to 0"
            )


def _balance_problems(config: Config) -> Iterator[str]:
    keys = ("balance", "upsampling", "mined", "mined_windows_per_file", "weak_labels")
    axes = {key: config["matrix"].get(key, [config["training"][key]]) for key in keys}
    if set(axes["balance"]) - {"none"} and set(axes["upsampling"]) - {"none"}:
        yield (
            "training.upsampling adds to the smaller class, and training.balance makes up for its size in another way: "
            "set balance to none"
        )
    leaves_windows_out = bool(set(axes["weak_labels"]) - {"all"})
    if leaves_windows_out and (set(axes["balance"]) - {"batches"} or set(axes["upsampling"]) - {"none"}):
        yield (
            "training.weak_labels: max and two_pass leave positive windows out, and only batches that are half "
            "positive make up for them: set balance to batches and upsampling to none"
        )
    if "share" in axes["mined"] and set(axes["balance"]) - {"batches"}:
        yield (
            "training.mined: share divides the negatives of batches that are half positive: set balance to batches, "
            "or mined to add"
        )
    if "replace" in axes["mined"] and "cut" in axes["balance"]:
        yield "training.mined: replace keeps the number of negatives, and training.balance: cut changes it: use one"
    tiers = config["negative_tiers"]
    second_round_tiers = [name for name in config["matrix"]["negative_tier"] if "round" in tiers.get(name, {})]
    if max(axes["mined_windows_per_file"]) > 1 and second_round_tiers:
        yield (
            f"training.mined_windows_per_file: tier '{second_round_tiers[0]}' of the second round has one window of "
            "each file: set the key to 1"
        )
