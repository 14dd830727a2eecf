import itertools

import numpy as np
import pytest
from scipy import stats

from hardneg.benchmarks import calibration
from hardneg.models import metrics
from hardneg.statistics import paired_tests
from hardneg.statistics.bootstrap import two_way_bootstrap


@pytest.mark.slow
@pytest.mark.parametrize("calling", [1.0, 0.25])
def test_a_t_test_over_seeds_alone_has_false_positives_that_resampled_nights_avoid(calling):
    studies = 150
    alone, both = np.zeros(studies), np.zeros(studies)
    for study in range(studies):
        rng = np.random.default_rng([study, round(100 * calling)])
        runs, baseline = calibration.simulate_study(rng, 10, 0.0, calling)
        recalls = [
            [metrics.measure_at_threshold(run.labels, run.confidences, run.threshold, 1)["recall"] for run in arm]
            for arm in (runs, baseline)
        ]
        alone[study] = paired_tests.estimate_paired_mean(np.subtract(*recalls)).p
        both[study] = two_way_bootstrap(runs, baseline, resamples=100, seed=study)["recall"].estimate.p
    assert np.mean(alone <= 0.05) > 0.2
    assert stats.binomtest(int(np.sum(both <= 0.05)), studies).proportion_ci(0.95).low <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("calling", [1.0, 0.25])
def test_verdicts_on_simulated_studies_are_calibrated(calling):
    table = calibration.calibrate(200, [3, 10], [0.0, 0.3], [calling], 0.03, resamples=200, workers=2)
    assert calibration.format_markdown(table).count(f"| {100 * calling:g} % |") == len(table) == 2 * 2 * 3
    table = table.set_index(["effect", "seeds", "metric"])
    for seeds, metric in itertools.product([3, 10], calibration.SHOWN_METRICS):
        null, planted = table.loc[(0.0, seeds, metric)], table.loc[(0.3, seeds, metric)]
        assert null["called at all low"] <= 0.05, "false positives"
        assert null["covered high"] >= 0.95 and planted["covered high"] >= 0.95, "intervals too narrow"
        assert null["covered low"] <= 0.97, "intervals far too wide"  # 0.95 and simulation error
        assert planted["improves"] > null["improves"] and planted["hurts low"] < 0.025
    for metric in calibration.SHOWN_METRICS if calling == 1 else ():  # a few nights limit the power
        assert table.loc[(0.3, 10, metric), "improves"] > table.loc[(0.3, 3, metric), "improves"], (
            "power rises with seeds"
        )
