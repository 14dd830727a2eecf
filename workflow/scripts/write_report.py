from hardneg.common import tables
from hardneg.common.log import log_to
from hardneg.report import answers, report_page
from hardneg.report.report_contents import ReportInputs, ReportSettings, collect_contents

log_to(snakemake.log[0])
paths = {name: path or None for name, path in snakemake.input.items()}
figures = {name: paths.pop(name) for name in snakemake.params.figures}
contents = collect_contents(ReportInputs(**paths), ReportSettings(**snakemake.params.settings))
report_page.write_page(snakemake.output.page, contents, figures)
report_page.write_answer(snakemake.output.answer, contents)
tables.write(answers.to_table(contents.answers), snakemake.output.answers)
