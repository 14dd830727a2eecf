import re

from hardneg.common import tables
from hardneg.experiments import matrix, positive_subsets
from hardneg.features import packaged_weights
from hardneg.mining import mining_models, second_round, tiers
from hardneg.recordings import checks, manifest, sharding
from hardneg.review import review_table
from hardneg.synthetic import dataset

try:
    if "generated" in config:
        MANIFEST = "<results>/soundscapes/manifest.csv"
        AUDIO_ROOT = f"{RESULTS}/soundscapes/audio"
        SOURCE = MANIFEST
        listed = manifest.complete(
            dataset.extract_manifest(dataset.draw_design(**config["generated"])),
            "generated",
        )
    else:
        MANIFEST = os.path.expanduser(config["manifest"])
        AUDIO_ROOT = os.path.expanduser(config["audio_root"])
        # What a shard is made from is watched by its rows and files (STATES), not by the manifest as a whole.
        SOURCE = ancient(MANIFEST)
        listed = manifest.read(MANIFEST)
    listed = sharding.assign_splits_and_shards(listed, config["splits"], config["files_per_shard"])
    checks.check_split_rules(listed, checks.MANIFEST_RULES)
    STATES = sharding.hash_shards(listed, None if "generated" in config else AUDIO_ROOT)
except InputError as error:
    stop(error)

SHARDS = {part: sorted(s for s in STATES if s.startswith(part)) for part in ("labelled", "pool")}
FEATURES = f"<results>/features/{config['features']['kind']}"
MODELS = {model.name: model for model in mining_models.list_models(config["mining"])}
FIRST = next(iter(MODELS))
TRAINED_ALONE = [model.kind for model in MODELS.values()] == ["trained"]
# What a detector trains on is tried on the manifest, before any audio is opened.
SUBSETS = {
    *config["matrix"]["positive_subset"],
    *[config["mining"]["positive_subset"] for model in MODELS.values() if model.kind == "trained"],
    *[second_round.resolve_settings(config).positive_subset for again in range(1, config["mining"]["rounds"])],
}
try:
    positive_subsets.validate_subsets(listed, {name: config["positive_subsets"][name] for name in sorted(SUBSETS)})
except InputError as error:
    stop(error)
# What the pool is ranked by: the only model's scores, or those of all together.
SCORES = "<results>/mining/scores.parquet" if len(MODELS) > 1 else f"<results>/mining/{FIRST}/scores.parquet"
SECOND_SCORES = "<results>/mining/second/scores.parquet"
MODEL_INPUT = {
    "windows": config["windows"],
    "features": config["features"],
}
BACKBONE_FILE = os.path.expanduser(config["features"]["path"]) if "path" in config["features"] else []
# BirdNET's weights, where no path is given, are those of a package; its version stands for them.
try:
    BACKBONE_PACKAGE = packaged_weights.weights_of(config["features"])
except InputError as error:
    stop(error)
AUDIT_THRESHOLDS = {
    key: value
    for key, value in config["audit"].items()
    if key not in ("folds", "passes", "pool_files", "seed", "training", "min_similarity")
}
TOP_HZ = min(
    config["review"].get("top_hz", config["features"].get("fmax", 15000)), config["windows"]["sample_rate"] / 2
)
REVIEW_FILE = os.path.expanduser(config["review"]["file"])
REVIEW_INPUT = REVIEW_FILE if Path(REVIEW_FILE).is_file() else []
try:
    ANSWERS = review_table.read(REVIEW_FILE)
    DECISIONS = review_table.resolve(ANSWERS, config["review"]["conflicts"])
except InputError as error:
    stop(error)
RUNS = Paramspace(matrix.expand(config["matrix"]), filename_params=[])
RUN = f"<results>/runs/{RUNS.wildcard_pattern}"
ALL_RUNS = [f"<results>/runs/{run}" for run in RUNS.instance_patterns]


wildcard_constraints:
    part="labelled|pool",
    shard="(labelled|pool)-[0-9a-f]{8}",
    positive_subset="[A-Za-z0-9_.+-]+",
    negative_tier="[A-Za-z0-9_.+-]+",
    tier="[A-Za-z0-9_.+-]+",
    seed="[0-9]+",
    number="[0-9]+",
    fold="[0-9]+",


# It takes `input`, so Snakemake does not compare it: what it does to a shard's rows is in STATES.
def listing_of(wildcards, input):
    return dict(splits=config["splits"], files_per_shard=config["files_per_shard"])


def one_of(names):
    """A wildcard's constraint: one of the names, nothing at all where there is none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def is_none(tier):
    return tiers.is_none(config["negative_tiers"][tier])


def tier_of_run(wildcards):
    """A run without mined negatives depends on no mining at all."""
    tier = wildcards.negative_tier
    return [] if is_none(tier) else f"<results>/tiers/{tier}.csv"


def pool_index_of_run(wildcards):
    needless = is_none(wildcards.negative_tier) and not with_reviewed(wildcards.positive_subset)
    return [] if needless else f"{FEATURES}/pool.parquet"


def with_reviewed(subset):
    return config["positive_subsets"].get(subset, {}).get("reviewed", False)


def folds_of(passes):
    """The scores of every fold of the first so many passes, but of the very first only where it is the only one: its
    models were told that every hidden positive is a negative."""
    numbers = range(1, passes) if passes > 1 else range(passes)
    return expand(
        "<results>/audit/passes/{number}/{fold}.parquet", number=numbers, fold=range(config["audit"]["folds"])
    )


# The review is no input: changing one answer is to re-run only the tiers whose files it changes, and the parameter
# below is different for exactly these. It takes no `input`: Snakemake does not compare parameters that do.
def touch_of_review(wildcards):
    needed = [
        SCORES.replace("<results>", RESULTS),
        needed_by_tier("exclude", f"{RESULTS}/audit/pool.csv")(wildcards),
        needed_by_tier("per_cluster", f"{RESULTS}/audit/clusters.csv")(wildcards),
        needed_by_tier("round", SECOND_SCORES.replace("<results>", RESULTS))(wildcards),
        needed_by_tier("round", f"{RESULTS}/tiers/{taken_by_first_round()}.csv")(wildcards),
    ]
    if not DECISIONS or not all(Path(path).exists() for path in needed if path):
        return ""
    read = [tables.read(path) if path else None for path in needed]
    return tiers.review_fingerprint(
        wildcards.tier, config["negative_tiers"], tiers.PoolTables(*read), DECISIONS
    )


def taken_by_first_round():
    """The name of the tier that the second round's detector trains on."""
    return second_round.resolve_settings(config).negative_tier


def needed_by_tier(key, path):
    """A tier depends on a table of the pool if its definition, or that of the tier that it matches, has the key."""

    def input_of(wildcards):
        definition = config["negative_tiers"][wildcards.tier]
        other = config["negative_tiers"].get(definition.get("match_size_of"), {})
        return path if key in definition or key in other else []

    return input_of


def definitions_for(wildcards):
    """The tier's definition, and that of the tier whose size it takes."""
    definition = config["negative_tiers"][wildcards.tier]
    names = [wildcards.tier, *filter(None, [definition.get("match_size_of")])]
    return {name: dict(config["negative_tiers"][name]) for name in names}
