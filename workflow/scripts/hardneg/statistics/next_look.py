"""Which arms get more seeds after a look at the verdicts, and what no number of seeds would decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from hardneg.statistics.delta_table import axes_of

UNDECIDED, SEEDS = "undecided", "seeds"


@dataclass(frozen=True, slots=True)
class NextLook:
    """The plan after a look.

    Attributes
    ----------
    seeds : number of seeds that the open arms have had, and get.
    runs : the runs to add: the value of each axis, and the seed.
    decided, open_with_seeds : numbers of differences.
    open_with_nights : the differences that more seeds would not decide, in words.
    """

    seeds: tuple[int, int]
    runs: list[dict[str, str]]
    decided: int
    open_with_seeds: int
    open_with_nights: list[str]


def plan_next_look(
    deltas: pd.DataFrame,
    metrics: Sequence[str],
    looks: Sequence[int],
    look: int,
    runs: Sequence[Mapping[str, str]],
) -> NextLook:
    """Plan the next look: the arms of open differences that are limited by seeds, and their baselines, get more seeds.

    Parameters
    ----------
    deltas : the table of differences at this look.
    metrics : the metrics that shall be decided, on the out-of-distribution test where there is one.
    looks : see :func:`hardneg.statistics.sequential.plan_looks`.
    look : the number of this look, from 0.
    runs : the value of each axis for every run so far, with ``seed``.
    """
    split = "test_ood" if "test_ood" in set(deltas.split) else "test_iid"
    rows = deltas[(deltas.split == split) & deltas.metric.isin(metrics)]
    is_open = rows.verdict == UNDECIDED
    by_seeds = is_open & (rows.limited_by == SEEDS)
    by_nights = rows[is_open & ~by_seeds]
    is_last = look + 1 >= len(looks)
    have, get = looks[look], looks[min(look + 1, len(looks) - 1)]
    arms = {arm for _, row in rows[by_seeds].iterrows() for arm in _name_arms(row, axes_of(deltas))}
    added = [] if is_last else _add_seeds(arms, runs, get)
    return NextLook(
        seeds=(have, get),
        runs=added,
        decided=int((~is_open & (rows.verdict != "no verdict")).sum()),
        open_with_seeds=int(by_seeds.sum()),
        open_with_nights=[_describe(row) for _, row in by_nights.iterrows()],
    )


def _name_arms(row: pd.Series, axes: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    """Name the arm of a difference and its baseline by their values on all axes."""
    others = {axis: str(row[axis]) for axis in axes if axis != row.vary}
    return [tuple(sorted((others | {row.vary: str(value)}).items())) for value in (row["value"], row.baseline)]


def _add_seeds(
    arms: set[tuple[tuple[str, str], ...]], runs: Sequence[Mapping[str, str]], count: int
) -> list[dict[str, str]]:
    """Add the same seeds to every arm that has fewer than `count`, so that arms stay paired."""
    seeds: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for run in runs:
        arm = tuple(sorted((axis, value) for axis, value in run.items() if axis != "seed"))
        seeds.setdefault(arm, []).append(int(run["seed"]))
    first = min(map(len, seeds.values()))
    shared = sorted(set.intersection(*(set(each) for each in seeds.values())))
    candidates = [max(shared) + 1 + number for number in range(count - first)]
    return [
        {**dict(arm), "seed": str(seed)}
        for arm in sorted(arms)
        for seed in candidates[: count - first]
        if seed not in seeds[arm]
    ]


def _describe(row: pd.Series) -> str:
    limit = row.limited_by if isinstance(row.limited_by, str) and row.limited_by else "more data"
    return f"{row['value']} against {row.baseline}, {row.metric.replace('_', ' ')}: needs more {limit}"


def format_next_look(plan: NextLook, seconds_per_run: float | None) -> str:
    """Write the plan for the terminal."""
    total = plan.decided + plan.open_with_seeds + len(plan.open_with_nights)
    text = f"{plan.decided} of {total} differences are decided with {plan.seeds[0]} seeds"
    if plan.open_with_nights:
        text += f"; {len(plan.open_with_nights)} would need more nights"
    if plan.runs:
        minutes = f", about {len(plan.runs) * seconds_per_run / 60:.0f} minutes on one core" if seconds_per_run else ""
        verb = "gets" if plan.open_with_seeds == 1 else "get"
        text += f"; {plan.open_with_seeds} {verb} {plan.seeds[1] - plan.seeds[0]} more seeds: "
        text += f"{len(plan.runs)} trainings{minutes}"
    elif plan.open_with_seeds:
        text += f"; still open at decide.seeds_at_most: {plan.open_with_seeds}"
    return text + "."
