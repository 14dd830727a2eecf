import pandas as pd

from hardneg.models import background


def make_windows(count):
    return pd.DataFrame({"file_path": [f"{n // 2}.wav" for n in range(count)], "start_s": [0.0, 3.0] * (count // 2)})


def test_files_of_a_tier_are_not_mixed_in():
    tiers = [pd.DataFrame({"file_path": ["0.wav", "2.wav"]}), pd.DataFrame({"file_path": ["2.wav", "3.wav"]})]
    selected = background.select_unmined(make_windows(10), tiers)
    assert list(selected.file_path) == ["1.wav", "1.wav", "4.wav", "4.wav"]
    assert len(background.select_unmined(make_windows(10), [])) == 10


def test_of_many_windows_the_same_ones_are_selected_also_when_the_pool_grows(monkeypatch):
    monkeypatch.setattr(background, "MOST_WINDOWS", 20)
    few, more = (background.select_windows(make_windows(count)) for count in (100, 110))
    assert len(few) == len(more) == 20
    assert few.merge(more).shape[0] >= 16
    assert list(few.file_path.str[:-4].astype(int)) == sorted(few.file_path.str[:-4].astype(int))
