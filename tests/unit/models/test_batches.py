import numpy as np
import pandas as pd
import pytest
import torch
from training_defaults import TRAINING

from hardneg.models.batches import BatchSampler, ShuffledWindows, TrainingWindows, weigh_windows
from hardneg.models.training import blend
from hardneg.models.training_settings import TrainingSettings


def make_windows(positives, negatives, mined=0, removed=0):
    """Windows without features; the mined ones come last, and the first negatives may have been removed."""
    origins = ["positive"] * positives + ["negative"] * negatives + ["mined"] * mined
    table = pd.DataFrame({"origin": origins, "start_s": 0.0, "label": [int(o == "positive") for o in origins]})
    table["file_path"] = [f"{origin}{number}.wav" for number, origin in enumerate(origins)]
    table = table.drop(index=range(positives, positives + removed)).reset_index(drop=True)
    return TrainingWindows.from_table(np.empty((len(table), 1), np.float16), table, positives + negatives), table


def settings(**changes):
    return TrainingSettings.from_config(TRAINING | {"balance": "batches"} | changes)


def draw(windows, seed=1, epochs=1, **changes):
    sampler = BatchSampler(windows, settings(**changes), seed)
    return [list(sampler.draw_epoch("cpu")) for _ in range(epochs)], sampler


def drawn_files(batches, table, origin):
    rows = torch.cat([batch.rows for epoch in batches for batch in epoch]).numpy()
    return list(table.file_path[rows][table.origin[rows].to_numpy() == origin])


def test_half_of_every_batch_is_positive_and_each_class_is_dealt_out_before_it_returns():
    windows, table = make_windows(10, 90)
    batches, sampler = draw(windows, epochs=4)
    for batch in batches[0]:
        assert windows.labels[batch.rows.numpy()].sum() == 8 and len(batch.rows) == 16
    assert len(batches[0]) == sampler.steps_per_epoch == 7
    positives = drawn_files(batches, table, "positive")
    assert all(len(set(positives[start : start + 10])) == 10 for start in range(0, 220, 10))
    negatives = drawn_files(batches, table, "negative")
    assert len(set(negatives[:90])) == 90 and negatives[:90] != negatives[90:180]
    assert sampler.draws.sum() == 4 * 7 * 16 and sampler.draws[10:].min() == 2


def test_without_balance_an_epoch_draws_each_window_about_once():
    windows, _ = make_windows(10, 86)
    (epoch,), _ = draw(windows, balance="none")
    rows = torch.cat([batch.rows for batch in epoch]).tolist()
    assert sorted(rows) == list(range(96)) and rows != sorted(rows)


@pytest.mark.parametrize("mined_policy", ["add", "share"])
def test_arms_of_one_seed_draw_the_same_positives_and_negatives_in_the_same_order(mined_policy):
    plain, plain_table = make_windows(20, 60)
    tier, tier_table = make_windows(20, 60, mined=15)
    without, first = draw(plain, epochs=2, mined=mined_policy)
    with_tier, second = draw(tier, epochs=2, mined=mined_policy)
    assert first.steps_per_epoch == second.steps_per_epoch
    assert drawn_files(without, plain_table, "positive") == drawn_files(with_tier, tier_table, "positive")
    negatives = drawn_files(with_tier, tier_table, "negative")
    assert negatives[:60] == drawn_files(without, plain_table, "negative")[:60]
    for old, new in zip(without[1], with_tier[1], strict=True):
        assert torch.equal(old.partners, new.partners) and torch.equal(old.shares, new.shares)


def test_windows_that_left_do_not_change_the_order_of_the_others():
    plain, plain_table = make_windows(20, 60)
    fewer, fewer_table = make_windows(20, 60, mined=10, removed=10)
    without, _ = draw(plain, epochs=2)
    replaced, _ = draw(fewer, epochs=2, mined="replace")
    remaining = set(fewer_table.file_path)
    expected = [name for name in drawn_files(without, plain_table, "negative")[:60] if name in remaining]
    assert drawn_files(replaced, fewer_table, "negative")[:50] == expected


def test_after_a_restriction_only_the_allowed_windows_are_drawn_in_the_order_that_they_had():
    windows, table = make_windows(20, 60)
    allowed = np.ones(80, bool)
    allowed[:20:2] = False
    free, limited = BatchSampler(windows, settings(), 1), BatchSampler(windows, settings(), 1)
    limited.restrict(allowed)
    batches = [[list(sampler.draw_epoch("cpu"))] for sampler in (free, limited)]
    of_free, of_limited = (drawn_files(drawn, table, "positive") for drawn in batches)
    names = set(table.file_path[allowed])
    assert [name for name in of_free[:20] if name in names] == of_limited[:10]
    assert limited.steps_per_epoch == free.steps_per_epoch and limited.draws[~allowed].sum() == 0
    assert drawn_files(batches[0], table, "negative") == drawn_files(batches[1], table, "negative")


def test_another_seed_or_pass_has_another_order():
    rows, keys = np.arange(50), make_windows(0, 50)[0].keys
    first, second = (ShuffledWindows(rows, keys, seed).deal(100) for seed in (1, 2))
    assert sorted(first[:50]) == list(rows)
    assert list(first[:50]) != list(first[50:]) and list(first) != list(second)


@pytest.mark.parametrize(("share", "per_batch"), [(0.25, 2), (0.5, 4), (0.01, 1)])
def test_a_share_of_the_negatives_of_every_batch_is_mined(share, per_batch):
    windows, _ = make_windows(20, 60, mined=5)
    (epoch,), _ = draw(windows, mined="share", mined_share=share)
    assert {int(windows.is_mined[batch.rows.numpy()].sum()) for batch in epoch} == {per_batch}
    assert {int(windows.labels[batch.rows.numpy()].sum()) for batch in epoch} == {8}


def test_an_epoch_of_all_windows_is_longer_with_a_tier():
    windows, _ = make_windows(20, 60, mined=40)
    assert BatchSampler(windows, settings(), 1).steps_per_epoch == 5
    assert BatchSampler(windows, settings(epoch_size="all"), 1).steps_per_epoch == 8


def test_every_window_of_a_tier_is_drawn_beside_many_negatives_and_few_positives():
    windows, _ = make_windows(200, 5000, mined=100)
    _, sampler = draw(windows, epochs=2, batch_size=32)
    assert sampler.draws[windows.is_mined].min() >= 1


def test_weights_give_both_classes_the_same_total_and_mined_windows_their_own_factor():
    windows, _ = make_windows(10, 70, mined=20)
    weights = weigh_windows(windows, "weights", 0.5)
    assert weights[windows.labels == 1].sum() == pytest.approx(50)
    assert weights[windows.labels == 0].sum() == pytest.approx(50)
    assert weights[windows.is_mined].max() == pytest.approx(
        weights[~windows.is_mined & (windows.labels == 0)].max() / 2
    )
    assert weigh_windows(windows, "batches", 1.0) is None
    assert set(weigh_windows(windows, "batches", 0.25)) == {1.0, 0.25}


def test_mixup_blends_windows_and_targets_alike():
    windows, targets = torch.eye(4), torch.tensor([0.0, 1.0, 0.0, 1.0])
    two_of_each, _ = make_windows(2, 2)
    ((batch,),), _ = draw(two_of_each, batch_size=4, mixup=0.4)
    mixed, goal = blend(windows, batch), blend(targets, batch)
    torch.testing.assert_close(mixed @ targets, goal)
    torch.testing.assert_close(mixed.sum(dim=1), torch.ones(4))
    assert not torch.equal(mixed, windows)
    assert batch.shares.min() >= 0.5, "a window is the larger part of its own blend"


def test_partners_are_a_permutation_of_their_batch_and_without_mixup_the_window_itself():
    windows, _ = make_windows(30, 70)
    for batch in draw(windows, mixup=0.4)[0][0]:
        assert sorted(batch.partners.tolist()) == list(range(16)) and len(batch.shares) == 16
    for batch in draw(windows, mixup=0)[0][0]:
        assert torch.equal(batch.partners, torch.arange(16)) and torch.equal(batch.shares, torch.ones(16))
