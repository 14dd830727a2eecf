"""Suggest tiers for a pool, as a block of the configuration."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardneg.mining.pool_overview import describe_concentration
from hardneg.mining.tiers import rank_by_confidence
from hardneg.recordings.nights import name_recorder_nights

LARGE_SHARE, SMALL_SHARE = 0.05, 0.2  # of the pool, and of the large tier
LEAST_FILES = 20
STUDY_CONFIDENCES = (0.85, 0.5)
MOST_BY_CONFIDENCE = 0.25  # of the pool: more files are not its hardest
SAME_SIZE = 1.5  # tiers whose sizes differ by less than this factor answer the same question
CONCENTRATED = 0.5  # share of one recorder-night from which files are capped per night
NIGHTS_TO_SPREAD = 10
FLAGS = "[suspected_positive, near_duplicate, unusable]"


@dataclass(frozen=True, slots=True)
class SuggestedTier:
    """One tier that mines, with a control of its size.

    Attributes
    ----------
    name : of the tier. Its control is called ``random_<name>``.
    keys : the keys of its definition, without ``exclude``.
    reason : what it contains, in words.
    """

    name: str
    keys: dict[str, int | float]
    reason: str


def suggest_tiers(scores: pd.DataFrame, labelled_negatives: int, by_confidence: bool) -> list[SuggestedTier]:
    """Suggest tiers that have files on this pool.

    The large tier has 5 % of the pool, but no more files than there are labeled negatives to train on. The small tier
    has a fifth of it. Both end above files of equal confidence where they can, and neither contains files that the
    model found nothing in. One of the study's confidences is added if it selects another number of files.

    Parameters
    ----------
    scores : one row per pool file: ``file_path, confidence, recorder_id, date, night``.
    labelled_negatives : number of labeled negatives for training.
    by_confidence : whether confidences mean enough to cut by them.

    Returns
    -------
    No tier if all files have the same confidence.
    """
    ranked = rank_by_confidence(scores)
    confidences = ranked.confidence.to_numpy(float)
    lowest_is_shared = (confidences == confidences[-1]).sum() > 1
    usable = int((confidences > confidences[-1]).sum()) if lowest_is_shared else len(confidences)
    if usable == 0:
        return []
    large = _choose_size(confidences, min(LARGE_SHARE * len(ranked), max(labelled_negatives, LEAST_FILES)), usable)
    small = _choose_size(confidences, SMALL_SHARE * large, usable)
    sizes = [small, large] if SAME_SIZE * small <= large else [large]
    suggested = [_suggest_hardest(ranked, count) for count in sizes]
    for bound in STUDY_CONFIDENCES if by_confidence else ():
        files = int((confidences >= bound).sum())
        is_new = all(max(files, size) >= SAME_SIZE * min(files, size) for size in sizes)
        if LEAST_FILES <= files <= MOST_BY_CONFIDENCE * len(ranked) and is_new:
            name = f"conf{round(100 * bound)}"
            suggested.append(SuggestedTier(name, {"min_confidence": bound}, f"{files} of {len(ranked)} files"))
            break
    return suggested


def format_block(suggested: list[SuggestedTier], pool_files: int) -> str:
    """Format suggested tiers, their controls and their comparisons as YAML to paste into a configuration.

    Parameters
    ----------
    suggested : from :func:`suggest_tiers`.
    pool_files : number of files in the pool, for a random tier if nothing else can be suggested.
    """
    lines = ["negative_tiers:", "  none: {}"]
    names, controls = ["none"], []
    exclude = f"exclude: &flagged {FLAGS}"
    for tier in suggested:
        keys = ", ".join(f"{key}: {value}" for key, value in tier.keys.items())
        lines += [f"  # {tier.reason}", f"  {tier.name}: {{{keys}, {exclude}}}"]
        exclude = "exclude: *flagged"
        lines.append(f"  random_{tier.name}: {{match_size_of: {tier.name}, {exclude}}}")
        names += [tier.name, f"random_{tier.name}"]
        controls.append(f"random_{tier.name}")
    if not suggested:
        count = max(min(round(LARGE_SHARE * pool_files), pool_files), 1)
        lines += [
            "  # No file is harder than another, so only random files can be tried.",
            f"  random: {{random: {count}}}",
        ]
        names.append("random")
    lines += ["", "comparisons:"]
    lines += [f"  - {{vary: negative_tier, baseline: {baseline}}}" for baseline in ["none", *controls]]
    lines += ["", "# Replace the tiers of the matrix, and keep its other lines:", "# matrix:"]
    lines.append(f"#   negative_tier: [{', '.join(names)}]")
    return "\n".join(lines) + "\n"


def _suggest_hardest(ranked: pd.DataFrame, count: int) -> SuggestedTier:
    hardest = ranked.head(count)
    keys: dict[str, int | float] = {"top_k": count}
    reason = f"the {count} hardest of {len(ranked)} files, from confidence {hardest.confidence.iloc[-1]:.3f} up"
    concentration = describe_concentration(hardest)
    can_spread = name_recorder_nights(ranked).nunique() >= NIGHTS_TO_SPREAD
    if concentration.night_share > CONCENTRATED and count > NIGHTS_TO_SPREAD and can_spread:
        keys = {"per_night": math.ceil(count / NIGHTS_TO_SPREAD), **keys}
        reason += f" (capped per night, because {concentration.night_share:.0%} are from one recorder-night)"
    return SuggestedTier(f"top{count}", keys, reason)


def _choose_size(confidences: npt.NDArray[np.float64], wanted: float, usable: int) -> int:
    """Choose the size of a tier of hardest files: two significant digits, and not through files of equal confidence.

    Parameters
    ----------
    confidences : of the pool, the highest first.
    wanted : number of files.
    usable : number of files that a tier may contain.
    """
    size = max(round(wanted), LEAST_FILES)
    digits = max(len(str(size)) - 2, 0)
    size = min(round(size, -digits), usable)
    if size < len(confidences) and confidences[size - 1] == confidences[size]:
        above = int((confidences > confidences[size]).sum())
        size = above if above >= LEAST_FILES else size
    return size
