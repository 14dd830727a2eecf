"""Write the report: one HTML page that needs no network, and its answer as text."""

import os
import re
import textwrap
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from hardneg.common.display_names import METRIC_NAMES, SPLIT_NAMES
from hardneg.common.files import write_text
from hardneg.common.formatting import escape_control_characters, format_number, format_points
from hardneg.report.findings import explain_verdict, format_difference, format_interval, format_verdict
from hardneg.report.questions import QUESTIONS
from hardneg.report.report_contents import ReportContents

TEMPLATE = Path(__file__).with_name("report.html.j2")


def write_page(
    page_path: str | os.PathLike[str], contents: ReportContents, figures: dict[str, str | os.PathLike[str]]
) -> None:
    """Fill the template and write the page.

    Parameters
    ----------
    contents : what the page shows; text is escaped.
    figures : the SVG file of each figure, by name.
    """
    environment = Environment(loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, trim_blocks=True)
    environment.filters |= {
        "points": format_points,
        "number": format_number,
        "visible": escape_control_characters,
        "difference": format_difference,
        "interval": format_interval,
        "verdict": format_verdict,
        "explain": explain_verdict,
        "unbroken": keep_parentheses_together,
    }
    # The figures are our own files, and matplotlib escapes their text.
    drawn = {name: Markup(_read_svg(path, name)) for name, path in figures.items()}  # noqa: S704
    page = environment.get_template(TEMPLATE.name).render(
        contents=contents,
        settings=contents.settings,
        configuration=yaml.safe_dump(contents.settings.configuration, sort_keys=False, allow_unicode=True),
        metric_names=METRIC_NAMES,
        split_names=SPLIT_NAMES,
        questions=QUESTIONS,
        figures=drawn,
        forests=[svg for name, svg in drawn.items() if name.startswith("forest")],
    )
    write_text(page, page_path)


def write_answer(path: str | os.PathLike[str], contents: ReportContents) -> None:
    """Write the answer as text, for the terminal: problems of the mining model, conclusions, audit, warnings."""
    recommendation = contents.recommendation
    if recommendation:
        title = f"{contents.settings.target}: {SPLIT_NAMES[recommendation.split]}"
        lines = [statement.headline for statement in recommendation.statements]
    else:
        title, lines = f"{contents.settings.target}:", contents.summary
    problems = [f"Warning: {problem}" for problem in contents.mining_problems]
    audit = [f"Audit: {' '.join(contents.audit.sentences)}"] if contents.audit else []
    warnings = [f"Warning: {warning}" for tier in contents.tiers for warning in tier.warnings]
    warnings += [f"Warning: {row['arm']}: {row['warning']}" for row in contents.comparison_warnings]
    warnings += [
        f"Warning: {row.runs} run(s) were made with {row.key} = {row.in_runs}, and the configuration now has "
        f"{row.configured}. Run the workflow again without limiting --rerun-triggers."
        for row in contents.configuration_differences
    ]
    paragraphs = [
        textwrap.fill(line, 110, initial_indent="- ", subsequent_indent="  ")
        for line in [*problems, *lines, *audit, *warnings]
    ]
    write_text("\n".join([title, *paragraphs]) + "\n", path)


def keep_parentheses_together(text: str) -> str:
    """Keep a line from breaking inside parentheses.

    >>> keep_parentheses_together("9 seeds (5 to 40)")
    '9 seeds (5\\xa0to\\xa040)'
    """
    return re.sub(r"\(.*?\)", lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def _read_svg(path: str | os.PathLike[str], name: str) -> str:
    """Read a figure without its XML header, with ids that differ between the figures of one page."""
    svg = Path(path).read_text(encoding="utf-8")
    svg = svg[svg.index("<svg") :]
    return svg.replace('id="', f'id="{name}-').replace('"#', f'"#{name}-').replace("url(#", f"url(#{name}-")
