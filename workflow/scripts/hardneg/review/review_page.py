"""The review page: one HTML file on which a person listens to mined files and says what they are."""

import base64
import hashlib
import os
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from hardneg.audit.pool_audit import FLAGS
from hardneg.common.errors import InputError
from hardneg.common.files import write_text
from hardneg.mining import tiers

FOLDER = Path(__file__).parent
TEMPLATE, SCRIPT, STYLE = "review.html.j2", "review.js", "review.css"
KINDS = {"picture": ("webp", "image/webp"), "sound": ("ogg", "audio/ogg")}


def choose(scores: pd.DataFrame, audited: pd.DataFrame, definitions: dict[str, dict], most: int) -> pd.DataFrame:
    """Choose the files to be heard: suspected positives first, then the hardest.

    Parameters
    ----------
    scores, audited : one row per pool file.
    definitions : of the tiers; drawn ones (``random``, ``match``) are left aside.
    most : files.

    Returns
    -------
    The rows of `scores`, and of `audited` what they lack, with ``tiers``: the names of those within whose bounds the
    file lies, before anything is left out; joined by commas.
    """
    more = audited[["file_path", *audited.columns.difference(scores.columns, sort=False)]]
    table = scores.merge(more, on="file_path", validate="1:1")
    names = pd.Series("", index=table.file_path)
    for name, tier in tiers.select_within_bounds(scores, definitions).items():
        held = tier.file_path
        names[held] = names[held].where(names[held] == "", names[held] + ",") + name
    table["tiers"] = names.to_numpy()
    order = ["suspected_positive", "confidence", "file_path"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True).head(most)


def write(
    page_path: str | os.PathLike,
    candidates: pd.DataFrame,
    clips: pd.DataFrame,
    clip_folder: str | os.PathLike,
    answers: pd.DataFrame,
    target: str,
    generated: bool,
    top_hz: float,
    embed_mb: float,
) -> None:
    """Write the page, with its sounds and pictures in it or, where they are too large, taken from the folder beside it.

    Parameters
    ----------
    candidates : from :func:`choose`.
    clips : from :func:`hardneg.review.clips.cut_all`, whose files lie in `clip_folder`, a folder beside the page.
    answers : the review so far; see :func:`hardneg.review.review_table.read`.
    target : the species' name.
    generated : whether the recordings are artificial.
    top_hz : of the pictures.
    embed_mb : embed up to this size (MB).
    """
    files = [Path(clip_folder, f"{clip}.{ending}") for clip in clips["clip"] for ending, _ in KINDS.values()]
    embedded = sum(path.stat().st_size for path in files) <= embed_mb * 1e6
    data = {
        "target": target,
        "topHz": top_hz,
        "media": {name: _media(Path(clip_folder, f"{name}"), embedded) for name in clips["clip"]},
        "candidates": [_entry(row) for row in candidates.merge(clips, on="file_path").to_dict("records")],
        "rows": answers.astype(object).where(answers.notna(), "").to_dict("records"),
    }
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True)
    script, style = ((FOLDER / name).read_text(encoding="utf-8") for name in (SCRIPT, STYLE))
    page = environment.get_template(TEMPLATE).render(
        target=target,
        generated=generated,
        data=data,
        script=Markup(script),  # noqa: S704 (our own file, as the next)
        style=Markup(style),  # noqa: S704
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    write_text(page, page_path)


def _entry(row: dict) -> dict:
    known = {key: value for key, value in row.items() if not pd.isna(value)}
    models = {key.removeprefix("confidence_"): value for key, value in known.items() if key.startswith("confidence_")}
    scores = {"mining": known["confidence"]} | models | {"audit": known.get("cross_fit")}
    about = {key: str(known.get(key, "")) for key in ("file_path", "recorder_id", "site", "date", "clip")}
    times = {key: known[key] for key in ("start_s", "end_s", "from_s", "to_s", "gain_db", "confidence")}
    return (
        about
        | times
        | {
            "scores": [[name, value] for name, value in scores.items() if value is not None],
            "margin": known.get("margin"),
            "tiers": [name for name in row["tiers"].split(",") if name],
            "flags": [[flag, str(known.get(f"{flag}_reason", ""))] for flag in FLAGS if known.get(flag)],
        }
    )


def _media(path: Path, embedded: bool) -> dict[str, str]:
    sources = {}
    for kind, (ending, media_type) in KINDS.items():
        file = path.with_suffix(f".{ending}")
        if not file.is_file():
            raise InputError(f"{file} is missing: delete {file.parent} and run `snakemake review` again.")
        text = base64.b64encode(file.read_bytes()).decode() if embedded else ""
        sources[kind] = f"data:{media_type};base64,{text}" if embedded else f"{file.parent.name}/{file.name}"
    return sources
