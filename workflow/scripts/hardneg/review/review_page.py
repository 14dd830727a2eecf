"""Write the review page: one HTML file on which a person listens to mined files and labels them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from hardneg.audit.pool_audit import FLAGS
from hardneg.common.files import write_text
from hardneg.mining import tiers
from hardneg.review import page_parts

FOLDER = Path(__file__).parent
TEMPLATE, SCRIPT, STYLE = "review.html.j2", "review.js", "review.css"


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Settings and texts of the page, besides the candidates.

    Attributes
    ----------
    target : name of the species.
    generated : whether the recordings are artificial.
    top_hz : highest frequency in the spectrograms.
    embed_mb : the largest total size of clips to embed in the page (MB). Larger ones are loaded from their folder.
    """

    target: str
    generated: bool
    top_hz: float
    embed_mb: float


def select_candidates(
    scores: pd.DataFrame, audited: pd.DataFrame, definitions: tiers.Definitions, max_files: int
) -> pd.DataFrame:
    """Select the files to review: suspected positives first, then the hardest files.

    Parameters
    ----------
    scores, audited : one row per pool file.
    definitions : the definitions of the tiers; random samples are ignored.
    max_files : the most files to select.

    Returns
    -------
    The rows of `scores` with the further columns of `audited`, and ``tiers``: the names of the tiers whose bounds
    include the file before any exclusion, separated by commas.
    """
    audit_columns = audited[["file_path", *audited.columns.difference(scores.columns, sort=False)]]
    table = scores.merge(audit_columns, on="file_path", validate="1:1")
    names = pd.Series("", index=table.file_path)
    for name, tier in tiers.select_within_bounds(scores, definitions).items():
        paths = tier.file_path
        names[paths] = names[paths].where(names[paths] == "", names[paths] + ",") + name
    table["tiers"] = names.to_numpy()
    order = ["suspected_positive", "confidence", "file_path"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True).head(max_files)


def write_page(
    page_path: str | os.PathLike[str],
    candidates: pd.DataFrame,
    clips: pd.DataFrame,
    clip_folder: str | os.PathLike[str],
    answers: pd.DataFrame,
    settings: PageSettings,
) -> None:
    """Write the page, with the clips embedded or, if they are too large, loaded from the folder beside it.

    Parameters
    ----------
    page_path : path of the page.
    candidates : from :func:`select_candidates`.
    clips : from :func:`hardneg.review.clips.cut_clips`.
    clip_folder : folder of the clips' files, beside the page.
    answers : the review so far; see :func:`hardneg.review.review_table.read_review`.
    settings : what else the page shows.

    Raises
    ------
    InputError
        If the file of a clip is missing.
    """
    embedded = page_parts.measure_clips(clip_folder, clips["clip"]) <= settings.embed_mb * 1e6
    data = {
        "target": settings.target,
        "topHz": settings.top_hz,
        "media": {name: page_parts.locate_media(Path(clip_folder, name), embedded) for name in clips["clip"]},
        "candidates": [_describe_candidate(row) for row in candidates.merge(clips, on="file_path").to_dict("records")],
        "answers": answers.astype(object).where(answers.notna(), "").to_dict("records"),
    }
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True)
    script, style = ((FOLDER / name).read_text(encoding="utf-8") for name in (SCRIPT, STYLE))
    page = environment.get_template(TEMPLATE).render(
        target=settings.target,
        generated=settings.generated,
        data=data,
        script=Markup(script),  # noqa: S704, a file of this package
        style=Markup(style),  # noqa: S704, a file of this package
        script_hash=page_parts.hash_source(script),
        style_hash=page_parts.hash_source(style),
    )
    write_text(page, page_path)


def _describe_candidate(row: dict[str, Any]) -> dict[str, Any]:
    values = {key: value for key, value in row.items() if not pd.isna(value)}
    models = {key.removeprefix("confidence_"): value for key, value in values.items() if key.startswith("confidence_")}
    scores = {"mining": values["confidence"]} | models | {"audit": values.get("cross_fit")}
    texts = {key: str(values.get(key, "")) for key in ("file_path", "recorder_id", "site", "date", "clip")}
    numbers = {key: values[key] for key in ("start_s", "end_s", "from_s", "to_s", "gain_db", "confidence")}
    return {
        **texts,
        **numbers,
        "scores": [[name, value] for name, value in scores.items() if value is not None],
        "margin": values.get("margin"),
        "tiers": [name for name in row["tiers"].split(",") if name],
        "flags": [[flag, str(values.get(f"{flag}_reason", ""))] for flag in FLAGS if values.get(flag)],
    }
