"""Variants of the ablation differ in what their names state."""

import yaml
from paths import ROOT

from hardneg import configuration
from hardneg.benchmarks.augmentation_ablation import CHANGES, list_variants

CONFIG = configuration.complete(
    yaml.safe_load((ROOT / "config/anurans.yaml").read_text()), ROOT / "workflow/schemas/config.schema.yaml"
)


def test_each_change_is_on_in_its_own_variant_and_off_in_the_one_without_it():
    variants = list_variants(CONFIG["training"])
    strengths = variants["all"]["augmentation"]
    changed = {key for keys in CHANGES.values() for key in keys}
    assert all(strengths[key] > 0 for key in changed)
    assert all(variants["none"]["augmentation"][key] == 0 for key in changed)
    for name, keys in CHANGES.items():
        alone, without = variants[f"{name} alone"]["augmentation"], variants[f"all but {name}"]["augmentation"]
        assert {key for key in changed if alone[key]} == set(keys) == {key for key in changed if not without[key]}
        assert all(alone[key] == strengths[key] for key in keys)


def test_all_other_settings_are_those_of_the_configuration_with_every_window_as_a_call_unless_named():
    for name, training in list_variants(CONFIG["training"]).items():
        differs = {key for key in training if training[key] != CONFIG["training"][key]} - {"augmentation"}
        assert differs <= {"weak_labels", "keep_epoch", "ema"}, name
        assert (training["weak_labels"] == "all") == ("weak_labels" not in name)
