"""A first look at the mined pool, before any detector is compared: one page, its summary as text, and its problems."""

import math
import os
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from hardneg.common import tables
from hardneg.common.errors import InputError
from hardneg.common.files import write_text
from hardneg.common.formatting import escape_control_characters, format_number
from hardneg.mining import model_quality, pool_overview, tier_suggestions
from hardneg.mining.combination import score_columns
from hardneg.mining.model_quality import ModelQuality
from hardneg.mining.pool_overview import PoolOverview
from hardneg.mining.tiers import rank_by_confidence
from hardneg.review import clips, page_parts
from hardneg.review.clips import ClipSettings

FOLDER = Path(__file__).parent
TEMPLATE, SCRIPT, STYLE = "first_look.html.j2", "first_look.js", "first_look.css"
KINDS = {
    "trained": "trained here",
    "checkpoint": "checkpoint",
    "classifier": "BirdNET classifier",
    "detections": "finished detections",
}
START_SHARE = 0.05
LINE_WIDTH = 110


@dataclass(frozen=True, slots=True)
class LookInputs:
    """Paths of the tables behind the page.

    Attributes
    ----------
    scores : the ranking of the pool.
    recordings : checked recordings outside the pool.
    validation : the validation scores of each model that has scored these files, by the model's name.
    descriptions : the description of the mining model, if the workflow trained one.
    """

    scores: str
    recordings: str
    validation: Mapping[str, str]
    descriptions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LookOutputs:
    """Paths of the page, of its summary as text, and of the problems of the mining models as JSON."""

    page: str
    summary: str
    problems: str


@dataclass(frozen=True, slots=True)
class LookSettings:
    """Settings of the page.

    Attributes
    ----------
    target : name of the species.
    generated : whether the recordings are artificial.
    models : the kind of each mining model, by name; see :class:`hardneg.mining.mining_models.MiningModel`.
    hardest : number of hardest files to show.
    clips : how their clips are cut.
    processes : number of processes that cut them.
    """

    target: str
    generated: bool
    models: Mapping[str, str]
    hardest: int
    clips: ClipSettings
    processes: int = 1


@dataclass(frozen=True, slots=True)
class HardFile:
    """One of the hardest files.

    Attributes
    ----------
    rank, file_path, recorder, night, confidence : of the file. `night` may be empty.
    start_s, end_s : its hardest window.
    from_s, to_s : start and end of the clip.
    media : addresses of its ``picture`` and ``sound``.
    """

    rank: int
    file_path: str
    recorder: str
    night: str
    confidence: float
    start_s: float
    end_s: float
    from_s: float
    to_s: float
    media: Mapping[str, str]

    @property
    def window_left(self) -> float:
        """Where the hardest window starts on the picture, in percent of its width."""
        return 100 * (self.start_s - self.from_s) / (self.to_s - self.from_s)

    @property
    def window_width(self) -> float:
        """How wide the hardest window is on the picture, in percent of its width."""
        return 100 * (min(self.end_s, self.to_s) - self.start_s) / (self.to_s - self.from_s)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What the page shows.

    Attributes
    ----------
    settings : see :class:`LookSettings`.
    pool : the confidences of the pool; of several models, their means.
    models : what is known about each mining model.
    suggestion : tiers to paste into the configuration (YAML).
    hardest : the hardest files, in order of rank.
    """

    settings: LookSettings
    pool: PoolOverview
    models: list[ModelQuality]
    suggestion: str
    hardest: list[HardFile]

    @property
    def problems(self) -> list[str]:
        """What is wrong with the mining models; of several, each problem names its model."""
        several = len(self.models) > 1
        return [
            f"Model {model.name}: {problem}" if several else problem
            for model in self.models
            for problem in model.problems
        ]


def make_first_look(inputs: LookInputs, outputs: LookOutputs, settings: LookSettings) -> None:
    """Collect what the page shows, and write the page, its summary and its problems."""
    look = collect_first_look(inputs, settings)
    write_page(look, outputs.page)
    write_text(summarize(look, outputs.page), outputs.summary)
    tables.write_json({"problems": look.problems}, outputs.problems)


def collect_first_look(inputs: LookInputs, settings: LookSettings) -> FirstLook:
    """Collect what the page shows.

    Raises
    ------
    InputError
        If the pool has no file.
    """
    scores, recordings = tables.read(inputs.scores), tables.read(inputs.recordings)
    if scores.empty:
        raise InputError("The pool has no usable file: add rows with split pool to the manifest.")
    models = [_judge(name, kind, scores, recordings, inputs) for name, kind in settings.models.items()]
    in_training = (recordings.split == "train") & (recordings.label == "negative")
    suggested = tier_suggestions.suggest_tiers(scores, int(in_training.sum()), not any(m.problems for m in models))
    return FirstLook(
        settings=settings,
        pool=pool_overview.describe_pool(scores, settings.hardest),
        models=models,
        suggestion=tier_suggestions.format_block(suggested, len(scores)),
        hardest=_collect_hardest(scores, settings),
    )


def write_page(look: FirstLook, path: str | os.PathLike[str]) -> None:
    """Fill the template and write the page, which contains everything that it shows."""
    environment = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": format_number, "visible": escape_control_characters}
    script, style = ((FOLDER / name).read_text(encoding="utf-8") for name in (SCRIPT, STYLE))
    page = environment.get_template(TEMPLATE).render(
        look=look,
        settings=look.settings,
        pool=look.pool,
        kinds=KINDS,
        heights=scale_bars(look.pool.histogram),
        start_cut=choose_start_cut(look.pool),
        data={"atOrAbove": look.pool.at_or_above, "histogram": look.pool.histogram, "files": look.pool.files},
        script=Markup(script),  # noqa: S704, a file of this package
        style=Markup(style),  # noqa: S704, a file of this package
        script_hash=page_parts.hash_source(script),
        style_hash=page_parts.hash_source(style),
    )
    write_text(page, path)


def scale_bars(histogram: Sequence[int]) -> list[float]:
    """Scale the bars of a histogram to heights from 0 to 100, by the logarithm, so that rare bins are visible."""
    highest = math.log1p(max(histogram))
    return [round(100 * math.log1p(files) / highest, 2) if files else 0.0 for files in histogram]


def choose_start_cut(pool: PoolOverview) -> int:
    """Choose the step of the slider that the page opens with: the highest with 5 % of the pool above it."""
    wanted = max(START_SHARE * pool.files, 1)
    return max(step for step, files in enumerate(pool.at_or_above) if files >= wanted)


def summarize(look: FirstLook, page_path: str | os.PathLike[str]) -> str:
    """Summarize the page as text for the terminal: the problems first, the path of the page last."""
    pool = look.pool
    lines = [f"Warning: {problem}" for problem in look.problems]
    lines += [
        f"The pool has {pool.files} files of {pool.recorders} recorders. Their confidences span {pool.lowest:.3f} to "
        f"{pool.highest:.3f}."
    ]
    lines += [f"{model.name}: {describe_separation(model)}" for model in look.models]
    lines += [
        f"Of the {part.files} hardest files, {100 * part.recorder_share:.0f} % are from recorder {part.recorder} and "
        f"{100 * part.night_share:.0f} % from recorder-night {part.night}."
        for part in pool.concentrations[:1]
    ]
    paragraphs = [
        textwrap.fill(
            escape_control_characters(line),
            LINE_WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_on_hyphens=False,
        )
        for line in lines
    ]
    title = f"{look.settings.target}: a first look at the pool"
    suggestion = textwrap.indent(look.suggestion.rstrip(), "    ")
    page = f"The page with the hardest files and a suggestion of tiers: {Path(page_path).resolve()}"
    return "\n".join([title, *paragraphs, "", "Suggested tiers:", suggestion, "", page]) + "\n"


def describe_separation(model: ModelQuality) -> str:
    """Describe in one or two sentences how well a model separates validation files, or why this is unknown."""
    separation = model.separation
    if separation is None:
        return f"It is not known how well it separates positives from negatives. {model.unknown}"
    text = (
        f"On validation, the AUROC is {separation.auroc:.3f} and the average precision "
        f"{separation.average_precision:.3f} ({separation.positives} positives on {separation.positive_nights} "
        f"recorder-nights, {separation.negatives} negatives)."
    )
    return f"{text} So few positives or nights give only a rough number." if separation.is_rough else text


def _judge(name: str, kind: str, scores: pd.DataFrame, recordings: pd.DataFrame, inputs: LookInputs) -> ModelQuality:
    column = score_columns(name)[0]
    confidences = scores[column if column in scores else "confidence"].to_numpy(float)
    validation = None
    if name in inputs.validation:
        validation = tables.read(inputs.validation[name]).merge(recordings[["file_path", "group"]], on="file_path")
    problems = _read_training_problems(inputs.descriptions) if kind == "trained" else []
    return model_quality.judge_model(name, kind, confidences, validation, problems)


def _read_training_problems(description_paths: Sequence[str]) -> list[str]:
    """Read what went wrong in a training, from the descriptions of models."""
    diagnoses = [tables.read_json(path)["counts"]["diagnosis"] for path in description_paths]
    return [f"The mining model {diagnosis}." for diagnosis in diagnoses if diagnosis]


def _collect_hardest(scores: pd.DataFrame, settings: LookSettings) -> list[HardFile]:
    """Cut the clips of the hardest files, and embed them."""
    hardest = rank_by_confidence(scores).head(settings.hardest)
    with tempfile.TemporaryDirectory() as folder:
        cut = clips.cut_clips(hardest, folder, settings.clips, settings.processes)
        rows = hardest.assign(night=hardest.night.fillna("")).merge(cut, on="file_path", validate="1:1")
        return [
            HardFile(
                rank=row["rank"],
                file_path=row["file_path"],
                recorder=str(row["recorder_id"]),
                night=str(row["night"]),
                confidence=row["confidence"],
                start_s=row["start_s"],
                end_s=row["end_s"],
                from_s=row["from_s"],
                to_s=row["to_s"],
                media=page_parts.locate_media(Path(folder, row["clip"]), embedded=True),
            )
            for row in rows.to_dict("records")
        ]
