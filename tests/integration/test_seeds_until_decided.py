"""Seeds are added to single arms, and only these are trained and scored."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A finished first look at two seeds, with up to five."""
    project = Project(tmp_path_factory.mktemp("decide") / "hardneg")
    add_recordings(project, 240, 160, seed=3)
    matrix = {"positive_subset": ["base"], "negative_tier": ["none", "hard", "top"], "seed": [1, 2]}
    config = SMALL | {"matrix": matrix, "decide": {"seeds_at_most": 5}}
    project.path("decide.yaml").write_text(yaml.safe_dump(config))
    project.snakemake(config="decide.yaml")
    return project


def add_seeds(project: Project, *tiers: str) -> None:
    rows = [
        {"positive_subset": "base", "negative_tier": tier, "validation": "holdout", "seed": seed}
        for tier in tiers
        for seed in (3, 4)
    ]
    pd.DataFrame(rows).to_csv(project.path("results/added_seeds.csv"), index=False)


def test_verdicts_share_their_level_from_the_first_look_on(project):
    deltas = project.table("results/deltas.csv")
    assert set(deltas.n) == {2} and deltas.level.max() < 0.01


def test_added_seeds_train_and_score_their_own_runs_only(project):
    add_seeds(project, "none", "hard")
    plan = project.plan("decide.yaml")
    assert (plan["train"], plan["evaluate_added"]) == (4, 4)
    assert not {"evaluate", "extract_features", "train_mining_model", "rank_pool"} & set(plan)
    project.snakemake(config="decide.yaml")
    deltas = project.table("results/deltas.csv")
    by_tier = deltas[deltas.split == "test_ood"].groupby("value")
    assert by_tier.n.unique().map(list).to_dict() == {"hard": [4], "top": [2]}
    levels = by_tier["level"].max()
    assert levels["top"] < levels["hard"] < 0.05
    assert project.plan("decide.yaml") == {}


def test_the_plan_of_the_next_look_is_printed(project):
    command = [sys.executable, "-m", "hardneg", "decide", "--configfile", "decide.yaml", "--plan"]
    printed = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=True).stdout
    assert "Look 2 of at most 3:" in printed and "differences are decided with 4 seeds" in printed
