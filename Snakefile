# The whole workflow is in workflow/; this file lets plain `snakemake` at the root run it.
include: "workflow/Snakefile"


rule main_job:
    default_target: True
    input:
        rules.all.input,
