import numpy as np
import pandas as pd
import pytest

from hardneg.audit import hidden_positives

RECORDERS = 12


def scores_of(values, rng, recorders=RECORDERS):
    return pd.DataFrame({"score": values, "recorder_id": rng.integers(recorders, size=len(values)).astype(str)})


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def positives(rng):
    return scores_of(rng.normal(6, 2, 300), rng)


def pool_of(rng, negatives, hidden):
    """Negatives with an exponential tail, and hidden positives that score as the labeled positives do."""
    return scores_of(np.append(-6 + rng.exponential(1.5, negatives), rng.normal(6, 2, hidden)), rng)


@pytest.mark.parametrize("hidden", [15, 60])
def test_the_number_of_hidden_positives_is_within_its_interval(positives, rng, hidden):
    mixture = hidden_positives.fit_mixture(positives, pool_of(rng, 900, hidden), rng)
    assert mixture.hidden.low < hidden < mixture.hidden.high
    assert mixture.hidden.value == pytest.approx(hidden, rel=0.3)


def test_a_pool_without_hidden_positives_has_an_interval_that_begins_at_none(positives, rng):
    mixture = hidden_positives.fit_mixture(positives, pool_of(rng, 900, 0), rng)
    assert mixture.hidden.value < 4 and mixture.hidden.low < 1
    assert mixture.find_threshold(0.6, highest=9.0) == np.inf


def test_from_the_threshold_on_most_files_are_hidden_positives(positives, rng):
    pool = pool_of(rng, 900, 40)
    mixture = hidden_positives.fit_mixture(positives, pool, rng)
    threshold = mixture.find_threshold(0.6, highest=9.0)
    is_hidden = np.arange(940) >= 900
    above = (pool.score >= threshold).to_numpy()
    assert is_hidden[above].mean() > 0.8 and above[is_hidden].mean() > 0.7
    assert mixture.look_up_probability(np.array([threshold - 1.5, threshold, 9.0])).round(1).tolist() == [0.1, 0.6, 1.0]


def test_files_far_below_the_tail_have_no_probability(positives, rng):
    mixture = hidden_positives.fit_mixture(positives, pool_of(rng, 900, 40), rng)
    assert mixture.look_up_probability(np.array([-20.0])) == 0


def test_high_scores_of_a_single_recorder_are_weaker_evidence_than_those_of_many(positives, rng):
    pool = pool_of(rng, 900, 40)
    of_one = pool.assign(recorder_id=pool.recorder_id.where(np.arange(940) < 900, "0"))
    many, one = (hidden_positives.fit_mixture(positives, part, rng).hidden for part in (pool, of_one))
    assert many.low > 20 > 1 > one.low


def test_the_share_of_a_known_density_and_the_mean_of_the_other_are_found():
    excess = np.linspace(0.05, 19.95, 200)
    known = np.exp(-0.5 * ((excess - 10) / 2) ** 2) / (2 * np.sqrt(2 * np.pi))
    counts = 1000 * 0.1 * (0.3 * known + 0.7 * np.exp(-excess / 1.5) / 1.5)
    share, scale = hidden_positives.fit_exponential_mixture(counts[None], excess, known[None])
    assert share == pytest.approx([0.3], abs=0.01) and scale == pytest.approx([1.5], abs=0.03)


def test_the_first_draw_counts_every_recorder_once_and_others_as_often_as_drawn(rng):
    draws = hidden_positives.RecorderDraws.draw(pd.Series(["a", "a", "b", "c"]), rng)
    assert draws.add_up(np.ones((4, 1)))[0] == 4
    assert set(draws.counts.sum(axis=1)) == {3} and draws.counts.max() == 3
    assert draws.count_in_bins(np.array([0, -1, 1, 1]), 2)[0].tolist() == [1, 2]
