import numpy as np
import pytest
import soundfile

from hardneg.recordings import checks, manifest
from hardneg.recordings.manifest import SplitSettings
from hardneg.synthetic import dataset, sounds


@pytest.fixture(scope="module")
def design():
    return dataset.draw_design(labelled_files=300, pool_files=200, duration_s=1.5, sample_rate=16000, seed=1)


def test_a_design_is_repeatable_and_only_its_manifest_hides_the_truth(design):
    repeated = dataset.draw_design(300, 200, 1.5, 16000, 1)
    assert design.equals(repeated)
    assert design.hidden.sum() == 4
    manifest_table = dataset.extract_manifest(design)
    assert set(manifest_table.label[design.hidden]) == {"negative"}
    assert not {"sound", "snr_db", "hidden"} & set(manifest_table.columns)


def test_a_design_keeps_the_split_rules(design):
    table = manifest.complete(dataset.extract_manifest(design).astype(object), "generated")
    table = manifest.assign_splits(table, SplitSettings([dataset.OOD_SITE], 0.15, 0.15, pool_test_fraction=0.2))
    table = table.assign(duration_s=1.5, sha256=table.file_path, flags="", reason="")
    usable, rejected = checks.separate_rejected(table, 0)
    assert len(usable) == 500 and rejected.empty
    assert set(usable.split) == set(manifest.SPLITS)


def test_a_recorder_records_from_evening_to_early_morning_and_a_night_is_not_divided_at_midnight(design):
    assert "date" not in design.columns, "the date is in the file name"
    table = manifest.complete(dataset.extract_manifest(design).astype(object), "generated")
    hour = table.file_path.str.extract(r"_(\d\d)\d{4}\.WAV$")[0].astype(int)
    assert set(hour) == {20, 21, 22, 23, 0, 1, 2, 3}
    after_midnight = hour < 12
    assert (table.date > table.night).equals(after_midnight)
    first, last = table.night.min(), table.night.max()
    assert (first, last, table.night.nunique()) == ("2025-02-01", "2025-03-08", dataset.NIGHTS)
    assert table.groupby("group").date.nunique().max() == 2


def test_rendered_files_match_the_design(tmp_path, design):
    few = design.groupby("sound").head(1)
    sounds.render_recordings(few, tmp_path, workers=1)
    for path in few.file_path:
        samples, rate = soundfile.read(tmp_path / path)
        assert (rate, len(samples)) == (16000, 24000)
        assert np.abs(samples).max() > 1e-4


@pytest.mark.parametrize("name", sorted(set(sounds.SOUNDS) - {"quiet"}))
@pytest.mark.parametrize("seconds", [0.6, 3.0])
def test_every_sound_is_finite_and_fills_its_window(name, seconds):
    length = round(seconds * 16000)
    for seed in range(5):
        sound = sounds.SOUNDS[name](np.random.default_rng(seed), length, 16000)
        assert sound.shape == (length,)
        assert np.isfinite(sound).all() and np.abs(sound).max() > 0.1


def test_a_set_can_be_louder_and_without_hidden_positives():
    usual, other = (
        dataset.draw_design(200, 300, duration_s=1.5, sample_rate=16000, seed=4, **changes)
        for changes in ({}, {"hidden_share": 0, "snr_shift_db": 4})
    )
    assert usual.hidden.sum() > 0 and not other.hidden.any()
    labelled = usual.split != "pool"
    assert (other.snr_db - usual.snr_db)[labelled].round(1).dropna().eq(4).all()


def test_planted_effects_can_be_turned_off():
    design = dataset.draw_design(400, 600, 1.5, 16000, seed=5, confusers=0, hidden_share=0)
    assert not design.hidden.any()
    assert not design.sound.isin(["bullfrog", "tree_frog"]).any()
    negatives = design[design.sound != "target_call"]
    by_site = negatives.groupby("site").sound.value_counts(normalize=True).unstack(fill_value=0)
    assert by_site.quiet.between(0.2, 0.45).all()  # as frequent as among the labeled negatives, 4 of 12.5


def test_fewer_planted_confusers_are_fewer_of_them():
    shares = [
        dataset.draw_design(400, 2000, 1.5, 16000, seed=5, confusers=confusers)
        .sound.isin(["bullfrog", "tree_frog"])
        .mean()
        for confusers in (0.0, 0.5, 1.0)
    ]
    assert shares[0] == 0
    assert 0.7 < 2 * shares[1] / shares[2] < 1.3
