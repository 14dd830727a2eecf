"""Measure what the audit finds in generated data sets of different difficulty, with and without hidden positives.

``python -m hardneg.benchmarks.audit_accuracy results/bench/audit`` writes ``audit.csv`` and ``audit.md``, with a row
for each set. Each set is generated, mined and audited as by ``config/config.yaml``. Scores that exist already are kept,
so a run that was stopped continues.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from hardneg import configuration
from hardneg.audio.windowing import WindowSpec
from hardneg.audit import cross_fit, reliability, suspected_positives
from hardneg.audit.cross_fit import CrossFitSettings
from hardneg.common import tables, torch_device
from hardneg.common.files import write_text
from hardneg.experiments.training_sets import WindowSources, compose
from hardneg.features import extractors, feature_settings, store
from hardneg.models.batches import TrainingWindows
from hardneg.models.file_scores import score_by_highest_window
from hardneg.models.inference import compute_confidences
from hardneg.models.training import train
from hardneg.models.training_settings import TrainingSettings, override
from hardneg.recordings import manifest
from hardneg.synthetic import dataset, sounds

CONFIG, SCHEMA = Path("config/config.yaml"), Path("workflow/schemas/config.schema.yaml")
HARD = 0.85  # confidence of the tier in which flags are counted
HARDEST_SHARE = 0.01
SEEDS_PER_PASS = 1000  # as the rules do


@dataclass(frozen=True, slots=True)
class GeneratedSet:
    """A generated data set.

    Attributes
    ----------
    name : what it varies.
    seed : of the random draws.
    labelled_files, pool_files : number of files.
    snr_shift_db : added to the signal-to-noise ratio of every sound (dB).
    hidden_share : share of the pool's files that contain the target.
    """

    name: str
    seed: int
    labelled_files: int = 1400
    pool_files: int = 900
    snr_shift_db: float = 0.0
    hidden_share: float = dataset.HIDDEN_SHARE


SETS = (
    GeneratedSet("default", seed=1),
    GeneratedSet("default", seed=12),
    GeneratedSet("louder, many hidden", seed=71, snr_shift_db=4, hidden_share=0.05),
    GeneratedSet("fainter", seed=41, snr_shift_db=-5),
    GeneratedSet("few labels", seed=51, labelled_files=450),
    GeneratedSet("none hidden", seed=61, hidden_share=0),
    GeneratedSet("none hidden, few labels", seed=62, labelled_files=450, hidden_share=0),
    GeneratedSet("none hidden, fainter", seed=63, snr_shift_db=-5, hidden_share=0),
)


@dataclass(frozen=True, slots=True)
class AuditedSet:
    """The tables that the audit reads, and the truth.

    Attributes
    ----------
    labelled, index : checked recordings outside the pool, and their windows.
    scores, pool_index : the pool's hardest windows, the hardest first, and all windows of the pool.
    hidden : paths of the hidden positives.
    """

    labelled: pd.DataFrame
    index: pd.DataFrame
    scores: pd.DataFrame
    pool_index: pd.DataFrame
    hidden: frozenset[str]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What the audit found in one set. Files of the tier have a confidence of at least :data:`HARD`.

    Attributes
    ----------
    name, seed : of the set.
    auroc : on labeled files.
    hidden, hidden_low, hidden_high, truly_hidden : hidden positives in the pool: estimate, interval and truth.
    can_tell : whether suspected positives are excluded.
    found, tier_hidden : hidden positives of the tier that are flagged, and all of them.
    false_alarms, tier_negatives : true negatives of the tier that are flagged, and all of them.
    hardest_false_alarms, hardest_negatives : the same among the hardest 1 % of the pool.
    cpu_s : CPU time of the audit's models (s).
    """

    name: str
    seed: int
    auroc: float
    hidden: float
    hidden_low: float
    hidden_high: float
    truly_hidden: int
    can_tell: bool
    found: int
    tier_hidden: int
    false_alarms: int
    tier_negatives: int
    hardest_false_alarms: int
    hardest_negatives: int
    cpu_s: float


def generate_set(design: GeneratedSet, config: dict[str, Any], folder: Path, processes: int) -> AuditedSet:
    """Generate a set in `folder`, extract its features, train the mining model and score the pool.

    Test splits are left out. The audit does not read them.
    """
    recorded = {key: config["generated"][key] for key in ("duration_s", "sample_rate")}
    drawn = dataset.draw_design(
        design.labelled_files,
        design.pool_files,
        **recorded,
        seed=design.seed,
        hidden_share=design.hidden_share,
        snr_shift_db=design.snr_shift_db,
    )
    listed = manifest.complete(dataset.extract_manifest(drawn), design.name)
    recordings = manifest.assign_splits(listed, manifest.SplitSettings(**config["splits"])).assign(**recorded)
    is_used = recordings.split.isin(["train", "val", "pool"])
    recordings, drawn = recordings[is_used].reset_index(drop=True), drawn[is_used].reset_index(drop=True)
    sounds.render_recordings(drawn, folder / "audio", processes)
    windows = WindowSpec.from_seconds(**config["windows"])
    settings = feature_settings.parse_features(config["features"])
    array = folder / "features.npy"
    index = extractors.extract_features(recordings, str(folder / "audio"), array, windows, settings, "cpu", processes)
    index = index.assign(array=str(array))
    in_pool = recordings.split == "pool"
    pool_index = index[index.file_path.isin(recordings.file_path[in_pool])].reset_index(drop=True)
    scores = score_pool(recordings[~in_pool], index, pool_index, config)
    pool = recordings.loc[in_pool, ["file_path", "recorder_id", "group"]]
    return AuditedSet(
        labelled=recordings[~in_pool],
        index=index,
        scores=scores.merge(pool, on="file_path", validate="1:1"),
        pool_index=pool_index,
        hidden=frozenset(drawn.file_path[drawn.hidden]),
    )


def score_pool(
    labelled: pd.DataFrame, index: pd.DataFrame, pool_index: pd.DataFrame, config: dict[str, Any]
) -> pd.DataFrame:
    """Train the mining model and score the pool's files by their highest windows."""
    qualities = config["positive_subsets"][config["mining"]["positive_subset"]]["quality"]
    training = TrainingSettings.from_config(override(config["training"], config["mining"]["training"]))
    none = pd.DataFrame(columns=["file_path"])
    sources = WindowSources(labelled, labelled[labelled.quality.isin(qualities)], index, mined=none, reviewed=none)
    composed = compose(sources, "holdout", training, config["mining"]["seed"])
    windows = TrainingWindows.from_table(store.load(composed.train), composed.train, composed.labelled_count)
    trained = train(
        windows, store.load(composed.validation), composed.validation, training, config["mining"]["seed"], "cpu"
    )
    confidences = compute_confidences(trained.network, store.load(pool_index), "cpu")
    return score_by_highest_window(pool_index.assign(confidence=confidences))


def cross_fit_passes(audited: AuditedSet, config: dict[str, Any], processes: int) -> pd.DataFrame:
    """Score all files as the rule ``cross_fit`` does in all passes; see :mod:`hardneg.planning.audit_plan`."""
    audit = config["audit"]
    windows, validation = cross_fit.collect_windows(audited.labelled, audited.index, audited.scores, audited.pool_index)
    training = override(override(config["training"], config["mining"]["training"]), audit["training"])
    passes: list[pd.DataFrame] = []
    for number in range(audit["passes"]):
        settings = CrossFitSettings(
            folds=audit["folds"],
            pool_files=audit["pool_files"],
            training=TrainingSettings.from_config(training),
            seed=audit["seed"] + SEEDS_PER_PASS * number,
        )
        suspects = suspected_positives.find_suspects(passes[1:] or passes, None)
        passes.append(cross_fit.score_folds(windows, validation, suspects, settings, "cpu", processes))
    return suspected_positives.average_passes(passes[1:] or passes)


def measure_accuracy(design: GeneratedSet, scores: pd.DataFrame, cross_fitted: pd.DataFrame, cpu_s: float) -> Accuracy:
    """Count what the audit flags, as far as tiers would leave it out, and compare it with the truth.

    Parameters
    ----------
    scores : the pool's files, the hardest first: ``file_path, confidence, hidden``.
    cross_fitted : from :func:`cross_fit_passes`.
    cpu_s : the time that it took (s).
    """
    suspicion = suspected_positives.derive_threshold(cross_fitted, None)
    assessed = reliability.assess_reliability(cross_fitted, suspicion, "if_reliable")
    confidence = cross_fitted.set_index("file_path").confidence.reindex(scores.file_path).to_numpy()
    flagged = (confidence >= suspicion.threshold) & assessed.is_excluded
    hidden, in_tier = scores.hidden.to_numpy(), (scores.confidence >= HARD).to_numpy()
    hardest = np.arange(len(hidden)) < max(round(HARDEST_SHARE * len(hidden)), 1)
    return Accuracy(
        name=design.name,
        seed=design.seed,
        auroc=assessed.auroc,
        hidden=assessed.hidden,
        hidden_low=assessed.hidden_low,
        hidden_high=assessed.hidden_high,
        truly_hidden=int(hidden.sum()),
        can_tell=assessed.can_tell,
        found=int((flagged & hidden & in_tier).sum()),
        tier_hidden=int((hidden & in_tier).sum()),
        false_alarms=int((flagged & ~hidden & in_tier).sum()),
        tier_negatives=int((~hidden & in_tier).sum()),
        hardest_false_alarms=int((flagged & ~hidden & hardest).sum()),
        hardest_negatives=int((~hidden & hardest).sum()),
        cpu_s=cpu_s,
    )


def format_table(rows: pd.DataFrame) -> str:
    """Format the rows of ``audit.csv`` as a Markdown table."""
    lines = [
        "| set | seed | AUROC | hidden: estimate | hidden: truth | excludes | hidden calls found | "
        "negatives flagged | of the hardest 1 % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.itertuples():
        lines.append(
            f"| {row.name} | {row.seed} | {row.auroc:.3f} | {row.hidden:.0f} ({row.hidden_low:.0f} to "
            f"{row.hidden_high:.0f}) | {row.truly_hidden} | {'yes' if row.can_tell else 'no'} | {row.found} of "
            f"{row.tier_hidden} | {row.false_alarms} of {row.tier_negatives} | {row.hardest_false_alarms} of "
            f"{row.hardest_negatives} |"
        )
    return "\n".join(lines) + "\n"


def audit_set(design: GeneratedSet, config: dict[str, Any], folder: Path, processes: int) -> Accuracy:
    """Measure one set. Its scores are kept in `folder`, its recordings and features are not."""
    stem = f"{design.name}, seed {design.seed}".replace(", ", "-").replace(" ", "_")
    paths = {name: folder / f"{stem}.{name}.parquet" for name in ("cross_fitted", "scores")}
    times = folder / f"{stem}.json"
    if not times.exists():
        with tempfile.TemporaryDirectory() as scratch:
            audited = generate_set(design, config, Path(scratch), processes)
            before = os.times()
            cross_fitted = cross_fit_passes(audited, config, processes)
            after = os.times()
        tables.write(cross_fitted, paths["cross_fitted"])
        tables.write(audited.scores.assign(hidden=audited.scores.file_path.isin(audited.hidden)), paths["scores"])
        cpu_s = sum(after[:4]) - sum(before[:4])  # of this process and of those that it started
        tables.write_json({"cpu_s": cpu_s}, times)
    cpu_s = tables.read_json(times)["cpu_s"]
    return measure_accuracy(design, tables.read(paths["scores"]), tables.read(paths["cross_fitted"]), cpu_s)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is missing, and write the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m hardneg.benchmarks.audit_accuracy", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    torch_device.select_device("cpu", 1)
    config = configuration.complete(yaml.safe_load(CONFIG.read_text(encoding="utf-8")), SCHEMA)
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for design in SETS:
        rows.append(asdict(audit_set(design, config, options.folder, options.processes)))
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    tables.write(table, options.folder / "audit.csv")
    write_text(format_table(table), options.folder / "audit.md")
    print(format_table(table), end="")


if __name__ == "__main__":
    main()
