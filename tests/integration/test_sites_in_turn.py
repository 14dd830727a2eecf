"""Sites held out in turn: what is shared, what is done again, and what a new site costs."""

import pandas as pd
import pytest
import yaml
from conftest import SMALL, Project, add_recordings

pytestmark = pytest.mark.slow


def write_config(project: Project, groups: list[list[str]]) -> str:
    tiers = {name: SMALL["negative_tiers"][name] for name in ("none", "hard")}
    matrix = {"positive_subset": ["base"], "negative_tier": ["none", "hard"], "seed": [1, 2]}
    splits = {"rotate": groups, "validation_fraction": 0.3, "iid_fraction": 0.2}
    config = SMALL | {"negative_tiers": tiers, "matrix": matrix, "splits": splits}
    project.path("sites.yaml").write_text(yaml.safe_dump(config))
    return "sites.yaml"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """A finished rotation of two sites; the third site with calls is always trained on."""
    project = Project(tmp_path_factory.mktemp("sites") / "hardneg")
    add_recordings(project, 320, 120, seed=4)
    printed = project.snakemake(config=write_config(project, [["reservoir"], ["marsh"]]))
    assert "2 sites are held out in turn: 2 times 4 trainings, of which 0 exist" in printed
    return project


def test_each_site_is_tested_by_detectors_that_never_met_it(project):
    for site in ("reservoir", "marsh"):
        folder = project.path(f"results/folds/{site}")
        recordings = pd.read_parquet(folder / "inputs/labelled.parquet")
        assert set(recordings.site[recordings.split == "test_ood"]) == {site}
        assert set(recordings.split[recordings.site == site]) == {"test_ood"}
        sites = recordings.set_index("file_path").site
        for path in [*folder.glob("runs/**/training_set.parquet"), *folder.glob("mining/**/training_set.parquet")]:
            trained = pd.read_parquet(path).file_path
            assert site not in set(trained.map(sites).dropna())
        assert (folder / "report.html").is_file()


def test_recordings_are_checked_and_features_computed_once(project):
    arrays = [path.relative_to(project.path("results")) for path in project.path("results").rglob("*.npy")]
    assert arrays and all(path.parts[0] == "features" for path in arrays)
    assert not list(project.path("results/folds").rglob("inputs/shards"))


def test_two_sites_are_compared_and_the_page_states_what_they_are_about(project):
    table, by_site = project.table("results/sites.csv"), project.table("results/by_site.csv")
    assert set(table.sites) == {2} and set(table.scope) == {"these sites"}
    assert set(by_site.site) == {"reservoir", "marsh"}
    at = by_site[(by_site.metric == "f1") & (by_site.split == "test_ood")]
    mean = table[(table.metric == "f1") & (table.split == "test_ood")].iloc[0]
    assert mean.difference == pytest.approx(at.difference.mean())
    assert "about these sites alone" in project.path("results/sites.html").read_text()


def test_a_finished_rotation_has_nothing_to_do_and_a_new_site_trains_only_its_fold(project):
    assert project.plan(write_config(project, [["reservoir"], ["marsh"]])) == {}
    plan = project.plan(write_config(project, [["reservoir"], ["marsh"], ["pond"]]))
    trainings = {
        rule: count for rule, count in plan.items() if rule.endswith(("train", "extract_features", "check_shard"))
    }
    assert trainings == {"at_pond_train": 4}
    assert {rule for rule in plan if not rule.startswith("at_pond_")} == {"compare_sites", "write_sites"}


def test_a_site_that_does_not_exist_stops_the_plan(project):
    printed = project.snakemake("--dry-run", config=write_config(project, [["swamp"], ["marsh"]]), fails=True)
    assert "splits.rotate names 'swamp'" in printed
