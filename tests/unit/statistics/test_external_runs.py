from dataclasses import replace

import pandas as pd
import pytest
import yaml
from paths import ROOT

from hardneg.common.errors import InputError
from hardneg.statistics import claims, external_runs, seed_planning

PUBLISHED = ROOT.parent / "shared" / "published"
DEFINITIONS = {
    "name": "run", "seed": "seed",
    "axes": {"tier": {"column": "negatives", "pattern": r"(\w+)$", "missing": "none", "rename": {"hrd": "hard"}}, "size": {"column": "size"}},
    "splits": {"OOD": {metric: metric for metric in external_runs.REPORTED_METRICS}},
}  # fmt: skip
COLUMNS = external_runs.RunColumns.from_config(**DEFINITIONS)
GROUP = external_runs.RunGroup("g", where={"split": "OOD", "size": "big"}, vary="tier", baseline="none")


def table(tmp_path, **cells):
    rows = [
        (f"r{n}", seed, negatives, "big", base + gain, base, base)
        for n, (seed, negatives, base, gain) in enumerate(
            (seed, negatives, 0.6 + seed / 100, gain)
            for seed in (1, 2, 3, 4)
            for negatives, gain in (("", 0.0), ("lists/hard" if seed < 3 else "lists/hrd", 0.1 + seed / 1000))
        )
    ]
    runs = pd.DataFrame(rows, columns=["run", "seed", "negatives", "size", "f1", "precision", "recall"])
    for column, (row, value) in cells.items():
        runs.loc[row, column] = value
    runs.to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


def test_columns_are_read_as_mapped_and_two_spellings_are_one_value(tmp_path):
    runs = external_runs.load(table(tmp_path), COLUMNS)
    assert runs.tier.value_counts().to_dict() == {"none": 4, "hard": 4}


def test_differences_are_paired_by_seed(tmp_path):
    deltas = external_runs.compare(
        external_runs.load(table(tmp_path), COLUMNS), [GROUP], ["tier", "size"], 0.05, "holm"
    )
    row = deltas[(deltas.value == "hard") & (deltas.metric == "f1")].iloc[0]
    assert (row.n, row.pairs) == (4, 4)
    assert row.difference == pytest.approx(0.1025)
    assert row.p < row.p_welch / 10
    assert row.p_sign_flip == row.p_sign_flip_smallest == 0.125


@pytest.mark.parametrize(
    ("change", "group", "message"),
    [
        ({"f1": (2, 1.2)}, {}, "1 row\\(s\\) with a f1 outside \\[0, 1\\]"),
        ({"seed": (0, 2)}, {}, "the same arm and seed twice"),
        ({}, {"baseline": "soft"}, "no run has tier = soft, its baseline; there are: hard, none"),
        ({"size": (1, "small")}, {"where": {"split": "OOD"}}, "differ in size \\(big, small\\) as well as in tier"),
        ({}, {"where": {"split": "OOD", "size": "huge"}}, "no run matches"),
        (
            {},
            {"where": {"split": "OOD", "sise": "big"}},
            "'sise' under 'where' is not an axis; there are: split, tier, size",
        ),
        ({}, {"vary": "teir"}, "'teir' under 'vary' is not an axis; there are: tier, size"),
        ({}, {"mixed_axes": ["split"]}, "'split' under 'mixed_axes' is not an axis; there are: tier, size"),
    ],
)
def test_what_cannot_be_compared_is_named(tmp_path, change, group, message):
    with pytest.raises(InputError, match=message):
        runs = external_runs.load(table(tmp_path, **change), COLUMNS)
        external_runs.compare(runs, [replace(GROUP, **group)], ["tier", "size"], 0.05, "holm")


def test_two_splits_are_not_pooled(tmp_path):
    columns = replace(COLUMNS, splits=dict.fromkeys(("OOD", "IID"), COLUMNS.splits["OOD"]))
    runs = external_runs.load(table(tmp_path), columns)
    both = replace(GROUP, where={"split": ["OOD", "IID"], "size": "big"})
    with pytest.raises(InputError, match=r"in split \(IID, OOD\) as well as in tier: fix it under 'where'\.$"):
        external_runs.compare(runs, [both], ["tier", "size"], 0.05, "holm")


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(InputError, match=r"lacks the column\(s\) epochs"):
        external_runs.load(table(tmp_path), replace(COLUMNS, seed="epochs"))


def test_a_claim_about_equal_differences_without_spread_is_not_supported(tmp_path):
    runs = external_runs.load(table(tmp_path), COLUMNS)
    runs = runs.assign(f1=0.6 + 0.1 * (runs.tier == "hard"))
    deltas = external_runs.compare(runs, [GROUP], ["tier", "size"], 0.05, "holm")
    claim = claims.Claim("it helps", groups=["g"], values=["hard"], metric="f1", difference=0.1)
    judgments = claims.judge([claim], deltas, 0.05, 0.8)
    assert list(judgments.claim_verdict) == ["not distinguishable from no effect"]
    assert judgments[["p", "p_welch", "seeds_needed"]].isna().all(axis=None)


def test_the_seeds_of_a_claim_are_those_of_its_adjusted_p(tmp_path):
    runs = external_runs.load(table(tmp_path), COLUMNS)
    soft = runs[runs.tier == "hard"].assign(tier="soft", name=lambda hard: "soft " + hard.name)
    soft["f1"] += 0.01 * (soft.seed % 3)
    claim = claims.Claim("it helps", groups=["g"], values=["soft"], metric="f1", positive=True)
    both = external_runs.compare(pd.concat([runs, soft]), [GROUP], ["tier", "size"], 0.05, "holm")
    row = claims.judge([claim], both, 0.05, 0.8).iloc[0]
    assert row.seeds_needed == seed_planning.count_seeds_needed(row.difference, row.seed_sd, 0.0, 0.05 / 2)


def judged(tmp_path, **claim):
    deltas = external_runs.compare(
        external_runs.load(table(tmp_path), COLUMNS), [GROUP], ["tier", "size"], 0.05, "holm"
    )
    noisy = deltas.assign(p_adjusted=deltas.p.where(deltas.metric == "f1", 0.6))
    defaults = {"text": "it helps", "groups": ["g"], "values": ["hard"], "metric": "f1"}
    return claims.judge([claims.Claim(**defaults | claim)], noisy, 0.05, 0.8)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"difference": 0.1025}, "supported"),
        ({"difference": 0.05}, "contradicted"),
        ({"difference": -0.1025}, "contradicted"),
        ({"between": [0.09, 0.11]}, "supported"),
        ({"between": [0.20, 0.30]}, "contradicted"),
        ({"positive": True}, "supported"),
        ({"metric": "recall", "difference": 0.0}, "not distinguishable from no effect"),
        ({"metric": "recall", "positive": True}, "contradicted"),
    ],
)
def test_a_claim_is_checked_against_the_measured_difference(tmp_path, claim, verdict):
    assert list(judged(tmp_path, **claim).claim_verdict) == [verdict]


def test_a_claims_value_that_its_groups_lack_is_named(tmp_path):
    with pytest.raises(InputError, match="claim 1 \\(it helps\\): no difference of none, soft in its groups"):
        judged(tmp_path, values=["hard", "soft", "none"], difference=0.1025)


def test_claims_are_written_with_their_differences_and_the_note(tmp_path):
    page = claims.format_markdown(judged(tmp_path, difference=0.1025), "holm", 0.8)
    assert "threshold" not in page
    noted = claims.format_markdown(judged(tmp_path, difference=0.1025), "holm", 0.8, "Tuned on the test sets.")
    assert "\nTuned on the test sets.\n" in noted
    assert (
        "Of 1 claims: 1 supported." in page and "+10.2" in page.replace("+10.3", "+10.2") and "## 1. it helps" in page
    )


@pytest.fixture(scope="module")
def published():
    if not (PUBLISHED / "all_experiments.csv").exists():
        pytest.skip("the study's tables are missing (../shared/published)")
    config = yaml.safe_load((ROOT / "config" / "published.yaml").read_text())
    definitions = {key: config["finished_runs"][key] for key in ("name", "seed", "axes", "splits")}
    columns = external_runs.RunColumns.from_config(**definitions)
    runs = external_runs.load(PUBLISHED / "all_experiments.csv", columns)
    groups = [external_runs.RunGroup(**group) for group in config["groups"]]
    deltas = external_runs.compare(runs, groups, list(columns.axes), 0.05, "holm")
    return runs, deltas, claims.judge([claims.Claim(**claim) for claim in config["claims"]], deltas, 0.05, 0.8)


TIERS = {
    "none": "none",
    "hardneg_conf_min_50": "conf50",
    "hardnet_conf_min_85": "conf85",
    "hardneg_conf_min_99": "conf99",
}


def test_the_studys_25_rows_are_reproduced_to_the_printed_decimal(published):
    runs, deltas, _ = published
    assert runs.name.nunique() == 811
    deltas = deltas.set_index(["group", "value", "metric"])
    printed = pd.read_csv(PUBLISHED / "hard_negative_comparison_data.csv", keep_default_na=False)
    assert len(printed) == 25 == len(deltas) / 3
    for row in printed.itertuples():
        for metric, name in (("f1", "F1"), ("precision", "Precision"), ("recall", "Recall")):
            ours = deltas.loc[(row.Comparison_Group, TIERS[row.Negative_Subsets], metric)]
            assert ours.n == row.N_Experiments
            assert set(ours.runs.split(", ")) == set(row.Experiments.split(", "))
            assert ours["mean"] == pytest.approx(getattr(row, f"{name}_Mean"), abs=0.0005 + 1e-9)
            assert ours["std"] == pytest.approx(getattr(row, f"{name}_Std"), abs=0.0005 + 1e-9)
            delta = row.Delta_F1_From_Baseline if metric == "f1" else getattr(row, f"Delta_{name}")
            assert ours.difference_of_rounded == pytest.approx(delta, abs=1e-9)


def test_none_of_the_studys_17_differences_is_more_than_chance(published):
    _, deltas, _ = published
    f1 = deltas[(deltas.metric == "f1") & deltas.p.notna()]
    assert len(f1) == 17
    assert f1.p_welch.min() > 0.05 and f1.p_adjusted.min() > 0.05
    assert sorted(f1.p)[0] == pytest.approx(0.046, abs=0.0005) and sorted(f1.p)[1] > 0.05


def test_two_of_the_studys_claims_contradict_its_own_table(published):
    verdicts = published[2].drop_duplicates("claim").set_index("text").claim_verdict
    assert set(verdicts[verdicts == "contradicted"].index) == {
        "85 % tier, IID: F1 +3.0 to +3.9", "IID performance improves in all configurations tested",
    }  # fmt: skip
    assert set(verdicts) == {"contradicted", "not distinguishable from no effect"}
