import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hardneg.benchmarks import calibration, calibration_cells
from hardneg.benchmarks.calibration_cells import Cell
from hardneg.benchmarks.simulated_studies import NightDesign, StudyDesign, simulate_study
from hardneg.benchmarks.studies import judge_study
from hardneg.models.metrics import TEST_SPLIT_METRICS

SMALL = Cell(seeds=2, validation_nights=4, validation_files=15, test_nights=4)


def test_every_study_is_judged_in_all_metrics_and_tiers():
    rows = calibration_cells.run_study(SMALL, 3, resamples=20)
    assert set(rows.metric) == set(TEST_SPLIT_METRICS) and len(rows) == 3 * len(TEST_SPLIT_METRICS)
    assert set(rows.prevalence) == {0.5} and rows.recommended.dtype == bool


def test_a_study_does_not_depend_on_the_studies_before_it(tmp_path):
    calibration_cells.extend_cell(SMALL, 2, 20, tmp_path)
    extended = calibration_cells.extend_cell(SMALL, 3, 20, tmp_path)
    alone = calibration_cells.run_study(SMALL, 2, 20)
    pd.testing.assert_frame_equal(extended[extended.study == 2].reset_index(drop=True), alone.reset_index(drop=True))


def test_finished_studies_are_not_judged_again(tmp_path, monkeypatch):
    first = calibration_cells.extend_cell(SMALL, 2, 20, tmp_path)
    monkeypatch.setattr(calibration_cells, "run_study", lambda *_: pytest.fail("judged again"))
    pd.testing.assert_frame_equal(calibration_cells.extend_cell(SMALL, 2, 20, tmp_path), first)


def test_all_cells_have_results_before_any_cell_has_more():
    assert list(calibration_cells.rounds_of(100, 40)) == [40, 80, 100]


def make_rows(p, verdict, difference=0.01, metric="f1", half_width=0.02):
    """Make the rows of studies with three tiers, from one p and verdict per study and tier."""
    rows = [
        {
            "value": f"tier {tier + 1}", "metric": metric, "difference": difference, "ci_low": difference - half_width,
            "ci_high": difference + half_width, "p": p[study][tier], "p_adjusted": p[study][tier],
            "verdict": verdict[study][tier], "reason": "", "study": study, "prevalence": 0.5,
            "recommended": verdict[study][tier] == "improves",
        }
        for study in range(len(p))
        for tier in range(len(p[study]))
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(
        **{name: getattr(SMALL, name) for name in calibration.DESIGN},
    )


def test_a_false_call_of_any_tier_counts_once_per_study():
    none, one, two = ["undecided"] * 3, ["improves", "undecided", "undecided"], ["hurts", "hurts", "undecided"]
    p = [[0.5, 0.5, 0.5], [0.01, 0.5, 0.5], [0.01, 0.01, 0.5], [0.5, 0.5, 0.5]]
    table = calibration.summarize(make_rows(p, [none, one, two, none]))
    row = table[table.metric == "f1"].iloc[0]
    assert row.called == 0.5 and row.alone == 3 / 12 and row.recommended == 0.25
    assert (row.called_low, row.called_high) == pytest.approx(stats.beta.ppf([0.025, 0.975], [2, 3], [3, 2]))
    assert row.covered == 1 and row.decided == 4


def test_studies_without_a_verdict_do_not_dilute_the_rate_of_false_calls():
    withheld = ["no verdict"] * 3
    p = [[np.nan] * 3, [0.01, 0.5, 0.5]]
    table = calibration.summarize(make_rows(p, [withheld, ["improves", "undecided", "undecided"]]))
    row = table[table.metric == "f1"].iloc[0]
    assert row.called == 1 and row.decided == 1 and row.withheld == 0.5


def test_studies_of_different_designs_are_pooled():
    rows = make_rows([[0.01, 0.5, 0.5]], [["improves", "undecided", "undecided"]])
    more = make_rows([[0.5] * 3] * 3, [["undecided"] * 3] * 3).assign(seeds=5)
    planted = make_rows([[0.01] * 3], [["improves"] * 3]).assign(effect=1.0)
    pooled = calibration.pool_cells(pd.concat([rows, more, planted])).set_index(["property", "value"])
    assert pooled.loc[("all", "all"), "called"] == 0.25 and pooled.loc[("all", "all"), "studies"] == 4
    assert pooled.loc[("seeds", 2), "called"] == 1 and pooled.loc[("seeds", 5), "called"] == 0


def test_the_tables_name_each_cell_once():
    rows = calibration_cells.run_study(SMALL, 0, 20).assign(
        **{name: getattr(SMALL, name) for name in calibration.DESIGN}
    )
    text = calibration.format_markdown(calibration.summarize(rows), calibration.pool_cells(rows))
    assert "| any design | 1 |" in text and "| seeds: 2 | 1 |" in text
    assert text.count("| simulated | 0 | 2 | 4 x 15 files | 4 | 1 |") == 3


def test_an_oracle_has_more_power_than_a_study_with_few_seeds():
    design = Cell(3, 14, 11, 12, effect=1.0)
    rows = pd.concat([calibration_cells.run_study(design, number, 50) for number in range(24)])
    rows = rows.assign(**{name: getattr(design, name) for name in calibration.DESIGN})
    table = calibration.summarize(rows).set_index("metric")
    assert table.loc["auroc", "difference"] > 0.02
    assert table.loc["auroc", "oracle_power"] >= table.loc["auroc", "power"] > 0


def test_a_large_effect_is_recommended_and_no_effect_is_not():
    nights = NightDesign(30, 20, 0.4), NightDesign(60, 20, 0.3)
    settings = calibration_cells.make_settings(100)
    for effect, recommended in ((2.5, True), (0.0, False)):
        design = StudyDesign(6, *nights, effects=(effect, 0.0, 0.0))
        judged = judge_study(simulate_study(design, np.random.default_rng(5)), settings)
        assert any(choice.tier == "tier 1" for choice in judged.recommendation.choices) is recommended


@pytest.mark.slow
def test_few_studies_without_an_effect_find_one(tmp_path):
    # All seeds choose their thresholds on the same four nights, which err together.
    judged = calibration.calibrate(calibration.REDUCED_CELLS, 200, 100, tmp_path, workers=2)
    table = calibration.summarize(judged)
    highest = stats.binom.ppf(0.9999, 200, 0.05) / 200
    assert highest < 0.12
    shown = ["seeds", "test_nights", "metric", "called", "recommended", "covered"]
    assert not len(table[table.called > highest]), table[table.called > highest][shown].to_string()
    assert not len(table[table.recommended > highest]), table[shown].to_string()
    assert not len(table[table.covered < 1 - highest]), table[table.covered < 1 - highest][shown].to_string()


def test_an_interaction_is_judged_from_the_same_four_arms():
    cell = Cell(2, 4, 15, 12, 6.0, interaction="tier acts with more")
    rows = calibration_cells.run_study(cell, 3, resamples=20).set_index("metric")
    assert set(rows.index) == set(TEST_SPLIT_METRICS) and len(rows) == len(TEST_SPLIT_METRICS)
    assert rows.difference["average_precision"] > 0.05, "the tier acts with more positives only"
    without = calibration_cells.run_study(dataclasses.replace(cell, interaction="tier acts"), 3, resamples=20)
    assert abs(without.set_index("metric").difference["average_precision"]) < 0.05


def test_found_interactions_are_counted_and_those_that_exist_are_told_from_false_ones():
    rows = make_rows([[0.01], [0.5], [np.nan], [0.5]], [["depends"], ["undecided"], ["no verdict"], ["undecided"]])
    rows = rows.assign(value="mined", difference=0.05, ci_low=0.02, ci_high=0.08)
    false, true = (
        calibration.summarize_interactions(rows.assign(interaction=kind)).iloc[0]
        for kind in ("positives act", "tier acts with more")
    )
    assert false.called == true.called == pytest.approx(1 / 3) and false.decided == 3 and false.withheld == 0.25
    assert false.covered == 0 and true.covered == 1, "the true interaction is zero, or the mean over the studies"


def test_recorders_that_hear_one_night_can_be_taken_for_several_nights():
    study = simulate_study(StudyDesign(2, NightDesign(4, 15, 0.4), NightDesign(6, 25, 0.3)), np.random.default_rng(1))
    split = calibration_cells.split_nights(study, 4, np.random.default_rng(2))
    for before, after in ((study.test, split.test), (study.validation, split.validation)):
        first, finer = before["none", 0].nights, after["none", 0].nights
        assert len(np.unique(finer)) > 2 * len(np.unique(first)) and finer.max() == len(np.unique(finer)) - 1
        assert all(len(np.unique(first[finer == night])) == 1 for night in np.unique(finer))
        assert all(np.array_equal(files.nights, finer) for files in after.values())
        assert np.array_equal(before["tier 1", 1].confidences, after["tier 1", 1].confidences)


def test_each_seed_draws_the_nights_of_its_internal_validation_for_all_arms():
    study = simulate_study(StudyDesign(3, NightDesign(20, 15, 0.4), NightDesign(4, 9, 0.3)), np.random.default_rng(1))
    drawn = calibration_cells.draw_internal(study.validation, 4, np.random.default_rng(2))
    assert drawn.keys() == study.validation.keys()
    for (arm, seed), files in drawn.items():
        assert set(files.nights) == set(range(4)) and 0 < files.labels.sum() < len(files.labels)
        assert len(files.labels) == len(files.confidences) == len(files.hours) == len(files.nights)
        assert np.array_equal(files.labels, drawn["none", seed].labels)
        assert np.isin(files.confidences, study.validation[arm, seed].confidences).all()
    assert len({files.night_set for files in drawn.values()}) == 3
    assert len({tuple(files.labels) for files in drawn.values()}) == 3
