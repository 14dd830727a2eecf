# The plan of an experiment: every rule below takes its paths and settings from it.

import re

from hardneg.planning import configured_files, early_warnings
from hardneg.planning.plan import Plan

try:
    configured_files.refuse_missing_files(config)
    plan = Plan.from_config(config, prefix="<results>", in_job=not workflow.is_main_process)
except InputError as error:
    raise WorkflowError(str(error)) from None

# A job reads the plan too, in a process that must not repeat this.
if workflow.is_main_process:
    for warning in early_warnings.find_warnings(plan.shards, config):
        logger.warning(f"Warning: {warning}")


def one_of(names):
    """Constrain a wildcard to some names; without names, it matches nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"


pathvars:
    store=plan.store,
    features=plan.features,
    scores=plan.mining.scores,
    arm=plan.runs.arm_pattern,
    axes=plan.runs.pattern,
    run="<results>/runs/<axes>",


wildcard_constraints:
    part="labelled|pool",
    shard="(labelled|pool)-[0-9a-f]{8}",
    positive_subset="[A-Za-z0-9_.+-]+",
    negative_tier="[A-Za-z0-9_.+-]+",
    tier="[A-Za-z0-9_.+-]+",
    seed="[0-9]+",
    number="[0-9]+",
    fold="[0-9]+",
