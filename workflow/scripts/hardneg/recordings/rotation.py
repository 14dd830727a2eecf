"""Hold sites out in turn: which sites, or groups of sites, each turn is about."""

import re
from dataclasses import dataclass

import pandas as pd

from hardneg.common.errors import InputError
from hardneg.recordings.manifest import LABELS, POOL, TEST_POOL

BY_SITE = "site"
MIN_FOLDS = 2


@dataclass(frozen=True, slots=True)
class Rotation:
    """The turns of a rotation.

    Attributes
    ----------
    folds : the sites that each turn holds out, by the name of its folder.
    left_out : sites that no turn holds out, because a test of them would lack a class.
    """

    folds: dict[str, list[str]]
    left_out: list[str]


def plan_rotation(recordings: pd.DataFrame, rotate: str | list[list[str]]) -> Rotation:
    """Decide which sites are held out together.

    Parameters
    ----------
    recordings : a manifest: ``site, label, split``.
    rotate : ``site`` for each site with labeled positives and negatives, or groups of sites.

    Raises
    ------
    InputError
        If a site is unknown or in two groups, a group lacks a class, or fewer than two turns remain.

    Examples
    --------
    >>> rows = [("marsh", "positive"), ("marsh", "negative"), ("creek", "positive"), ("creek", "negative")]
    >>> recordings = pd.DataFrame([*rows, ("ridge", "negative")], columns=["site", "label"]).assign(split="")
    >>> plan_rotation(recordings, "site")
    Rotation(folds={'creek': ['creek'], 'marsh': ['marsh']}, left_out=['ridge'])
    """
    labelled = recordings[~recordings.split.isin((POOL, TEST_POOL)) & (recordings.site != "")]
    classes = labelled.groupby("site").label.agg(set)
    if rotate == BY_SITE:
        groups = [[site] for site in sorted(classes.index) if classes[site] == set(LABELS)]
        left_out = sorted(site for site in classes.index if classes[site] != set(LABELS))
    else:
        groups, left_out = [list(group) for group in rotate], []
        _refuse_groups(groups, classes)
    if len(groups) < MIN_FOLDS:
        raise InputError(
            f"splits.rotate needs at least {MIN_FOLDS} sites with labeled positives and negatives; there are "
            f"{len(groups)}. Fill in the column site, or use splits.ood_sites."
        )
    names = ["+".join(group) for group in groups]
    folders = [re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "site" for name in names]
    unique = {
        folder if folders.count(folder) == 1 else f"{folder}_{number}": group
        for number, (folder, group) in enumerate(zip(folders, groups, strict=True), 1)
    }
    return Rotation(unique, left_out)


def _refuse_groups(groups: list[list[str]], classes: pd.Series) -> None:
    sites = [site for group in groups for site in group]
    for site in sites:
        if site not in classes.index:
            known = ", ".join(sorted(classes.index)) or "none"
            raise InputError(f"splits.rotate names '{site}', but no labeled recording is from there. Sites: {known}.")
        if sites.count(site) > 1:
            raise InputError(f"splits.rotate: '{site}' is in several groups. Each site is held out once.")
    for group in groups:
        missing = set(LABELS) - set().union(*(classes[site] for site in group))
        if missing:
            raise InputError(
                f"splits.rotate: the group {', '.join(group)} has no {missing.pop()} recording, so it cannot be a "
                "test. Add it to another group."
            )
