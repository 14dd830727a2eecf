from hardneg.common.log import log_to
from hardneg.review import clips, first_look

log_to(snakemake.log[0])
inputs = first_look.LookInputs(
    scores=snakemake.input.scores,
    recordings=snakemake.input.recordings,
    validation=dict(zip(snakemake.params.validated, snakemake.input.validation, strict=True)),
    descriptions=snakemake.input.descriptions,
)
settings = first_look.LookSettings(
    **snakemake.params.settings,
    clips=clips.ClipSettings(**snakemake.params.clips),
    processes=snakemake.threads,
)
first_look.make_first_look(inputs, first_look.LookOutputs(**dict(snakemake.output.items())), settings)
