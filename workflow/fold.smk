# One turn of a rotation of sites, as a module; see rules/folds.smk.
include: "rules/common.smk"
include: "rules/plan.smk"
include: "rules/check_inputs.smk"
include: "rules/features.smk"
include: "rules/experiment.smk"


# The process that started this one has written the plan.
if workflow.is_main_process:
    plan.shards.write()


rule results:
    input:
        plan.targets,
