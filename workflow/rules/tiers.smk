REVIEW_FILE = os.path.expanduser(config["review"]["file"])
REVIEW_INPUT = REVIEW_FILE if Path(REVIEW_FILE).is_file() else []
try:
    ANSWERS = review.read(REVIEW_FILE)
    DECISIONS = review.resolve(ANSWERS, config["review"]["conflicts"])
except InputError as error:
    stop(error)


# The review is no input: changing one answer is to re-run only the tiers whose files it changes, and the parameter
# below is different for exactly these. It takes no `input`: Snakemake does not compare parameters that do.
def touch_of_review(wildcards):
    needed = [
        f"{RESULTS}/mining/{DETECTOR}/scores.parquet",
        needed_by_tier("exclude", f"{RESULTS}/audit/pool.csv")(wildcards),
        needed_by_tier("per_cluster", f"{RESULTS}/audit/clusters.csv")(wildcards),
    ]
    if not DECISIONS or not all(Path(path).exists() for path in needed if path):
        return ""
    read = [tables.read(path) if path else None for path in needed]
    return tiers.touched_by_review(wildcards.tier, config["negative_tiers"], *read, DECISIONS)


def needed_by_tier(key, path):
    """A tier depends on a table of the pool if its definition, or that of the tier that it matches, has the key."""

    def input_of(wildcards):
        definition = config["negative_tiers"][wildcards.tier]
        other = config["negative_tiers"].get(definition.get("match"), {})
        return path if key in definition or key in other else []

    return input_of


def definitions_for(wildcards):
    """The tier's definition, and that of the tier whose size it takes."""
    definition = config["negative_tiers"][wildcards.tier]
    names = [wildcards.tier, *filter(None, [definition.get("match")])]
    return {name: dict(config["negative_tiers"][name]) for name in names}


rule assign_tier:
    input:
        scores=f"<results>/mining/{DETECTOR}/scores.parquet",
        audit=needed_by_tier("exclude", "<results>/audit/pool.csv"),
        clusters=needed_by_tier("per_cluster", "<results>/audit/clusters.csv"),
    output:
        tier="<results>/tiers/{tier}.csv",
    log:
        "<logs>/assign_tier/{tier}.log",
    benchmark:
        "<benchmarks>/assign_tier/{tier}.jsonl"
    conda:
        ENVIRONMENT
    params:
        tiers=definitions_for,
        review=dict(file=REVIEW_FILE, conflicts=config["review"]["conflicts"]),
        touch=touch_of_review,
        code=code("assign_tier"),
    script:
        "../scripts/assign_tier.py"
