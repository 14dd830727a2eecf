import copy
import datetime

import pandas as pd
import pytest
import yaml
from paths import ROOT

from hardneg import configuration, configuration_table
from hardneg.common.errors import InputError
from hardneg.planning.mining_plan import MiningPlan
from hardneg.report import audit_trail

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def read_shipped(path):
    """Read a configuration of the project, the one that complements another together with it."""
    config = yaml.safe_load(path.read_text())
    return read_shipped(path.with_name("study.yaml")) | config if path.stem == "study_standin" else config


@pytest.fixture
def config():
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_is_valid(path):
    config = read_shipped(path)
    kind = "finished_runs" if "finished_runs" in config else "config"
    configuration.complete(config, SCHEMA.with_name(f"{kind}.schema.yaml"))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("profile", ["slurm", "kubernetes"])
def test_every_shipped_configuration_takes_what_a_profile_sets(path, profile):
    config = read_shipped(path)
    kind = "finished_runs" if "finished_runs" in config else "config"
    sets = yaml.safe_load((ROOT / "profiles" / profile / "profile.yaml").read_text())["config"]
    configuration.complete(config | dict(pair.split("=") for pair in sets), SCHEMA.with_name(f"{kind}.schema.yaml"))


def test_the_number_traced_by_default_is_there_without_an_out_of_distribution_test(config):
    config.pop("audit_trail", None)
    cells = configuration.complete(config, SCHEMA)["audit_trail"]
    deltas = pd.DataFrame({"value": "hard", "split": "test_iid", "metric": ["precision", "f1"]})
    assert audit_trail.select_difference(deltas, cells).metric == "f1"


def test_defaults_are_filled_in_and_the_callers_mapping_is_left_alone(config):
    original = copy.deepcopy(config)
    complete = configuration.complete(config, SCHEMA)
    assert complete["training"]["weight_decay"] == 0.01
    assert complete["mining"]["seed"] == 123
    assert complete["negative_tiers"]["none"] == {}
    assert config == original


def test_a_key_without_a_value_takes_the_key_of_another_file_away(config):
    table = config | {"generated": None, "manifest": "manifest.csv", "audio_root": "audio"}
    complete = configuration.complete(table, SCHEMA)
    assert "generated" not in complete and complete["manifest"] == "manifest.csv"
    with pytest.raises(InputError, match="give either manifest"):
        configuration.complete(config | {"generated": None}, SCHEMA)


def rewritten(part, order, number):
    """The same configuration, with the keys of each mapping in another order and numbers written otherwise."""
    if isinstance(part, dict):
        return {key: rewritten(part[key], order, number) for key in order(part)}
    if isinstance(part, list):
        return [rewritten(item, order, number) for item in part]
    return number(part) if isinstance(part, int | float) and not isinstance(part, bool) else part


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_what_means_the_same_is_written_the_same(path):
    config = read_shipped(path)
    kind = "finished_runs" if "finished_runs" in config else "config"
    schema = SCHEMA.with_name(f"{kind}.schema.yaml")
    complete = configuration.complete(config, schema)
    fixed = {
        "matrix",
        "leave_out",
        "finished_runs",
        "groups",
        "claims",
        "comparisons",
        "audit_trail",
        "export",
    }  # names, values as text
    other = {
        key: part if key in fixed else rewritten(part, reversed, lambda n: int(n) if n == int(n) else n)
        for key, part in reversed(config.items())
    }
    for name in ("negative_tiers", "positive_subsets"):
        if name in config:
            other[name] = {key: other[name][key] for key in config[name]}
    assert repr(configuration.complete(other, schema)) == repr(complete)
    assert repr(configuration.complete(complete, schema)) == repr(complete), "defaults that are written out"


def test_tiers_keep_the_order_in_which_a_person_wrote_them(config):
    config["negative_tiers"] = dict(reversed(config["negative_tiers"].items()))
    assert list(configuration.complete(config, SCHEMA)["negative_tiers"]) == list(config["negative_tiers"])


def test_a_whole_number_may_be_written_with_a_point(config):
    config["training"]["epochs"], config["matrix"]["seed"] = 30.0, [1.0, 2]
    complete = configuration.complete(config, SCHEMA)
    assert repr((complete["training"]["epochs"], complete["matrix"]["seed"])) == "(30, [1, 2])"


def put(value, *path):
    def change(config):
        for key in path[:-1]:
            config = config[key]
        config[path[-1]] = value

    return change


WRONG = {
    "a misspelt key": (put(3, "training", "epoch"), "unknown key 'epoch' at training: did you mean 'epochs'?"),
    "a misspelt top key": (put({}, "negativ_tiers"), "unknown key 'negativ_tiers' at the top level: did you mean 'negative_tiers'?"),
    "a removed key": (put({"short_s": 1}, "audit"), "'short_s' at audit does not exist any more: 'min_duration_s' at the top level decides which recordings are too short. Remove the key"),
    "a cut in the audit, which compares no arms": (put({"training": {"balance": "cut"}}, "audit"), "'cut' is not one of batches, weights, none"),
    "a key like no other": (put(1, "windows", "zzz"), "unknown key 'zzz' at windows; known here: length_s, hop_s, sample_rate"),
    "a night that begins at no time of day": (put("25:00", "splits", "night_begins"), "splits.night_begins: '25:00' is not a time of day in quotes, such as \"12:00\""),
    "a time of day that YAML read as a number": (put(720, "splits", "night_begins"), "splits.night_begins: 720 is not a time of day in quotes"),
    "a cluster of another kind": (lambda config: config.update(statistics={"cluster": "week"}), "statistics.cluster: 'week' is not one of night, date, site"),
    "a misspelt key of a tier": (put(0.5, "negative_tiers", "conf50", "min_confidense"), "did you mean 'min_confidence'?"),
    "a name that ends with a line break": (put({}, "negative_tiers", "hard\n"), "negative_tiers: 'hard\\n' is not a name of at most 80 letters"),
    "a name that is too long for a folder": (put({"quality": ["high"]}, "positive_subsets", "a" * 300), "is not a name of at most 80 letters"),
    "a species in two lines": (put("RADR\n", "target"), "target: 'RADR\\n' is not a text of one line"),
    "a time of day with a line break": (put("12:00\n", "splits", "night_begins"), "is not a time of day in quotes"),
    "a number beyond 64 bits": (put(10**30, "training", "epochs"), "training.epochs: 1e+30 is too large: integers have at most 64 bits"),
    "a seed beyond 32 bits": (put([2**32], "matrix", "seed"), "matrix.seed.0: 4294967296 is greater than the maximum of 4294967295"),
    "a number that is not one": (put(float("nan"), "training", "dropout"), "training.dropout: nan is not a number that can be used here"),
    "a number without end": (put([float("inf")], "matrix", "dropout"), "matrix.dropout.0: inf is not a number that can be used here"),
    "a wrong type": (put("many", "training", "epochs"), "training.epochs: 'many' is not of type 'integer'"),
    "a value out of range": (put(1.5, "training", "dropout"), "training.dropout: 1.5 is greater than or equal"),
    "a value not listed": (put("gpu", "device"), "device: 'gpu' is not one of auto, cpu, cuda"),
    "a tier not defined": (put(["none", "conf5"], "matrix", "negative_tier"), "matrix.negative_tier: 'conf5' is not in negative_tiers: did you mean 'conf"),
    "an axis that is none": (put([0.1], "matrix", "dropuot"), "matrix.dropuot is not an axis: did you mean 'dropout'?"),
    "a match to nothing": (put("conf", "negative_tiers", "random", "match_size_of"), "match_size_of: 'conf' is not a tier"),
    "a match to a matched tier": (put("matched", "negative_tiers", "random", "match_size_of"), "'matched' is itself matched"),
    "bounds the wrong way round": (put(0.05, "negative_tiers", "matched", "max_confidence"), "min_confidence must be below max_confidence"),
    "a baseline not trained": (put("matched", "comparisons", 0, "baseline"), "'matched' is not in matrix.negative_tier"),
    "a comparison of seeds": (put("seed", "comparisons", 0, "vary"), "seeds are repetitions and are not compared"),
    "a ranking by a model that saw them": (put(["high", "low"], "positive_subsets", "base", "quality"), "rank with a model that was not trained on them"),
    "a frame of gigabytes": (put(2**31, "features", "n_fft"), "features.n_fft: 2,147,483,648 samples are above the limit"),
    "a hop below one sample": (put(1e-6, "features", "hop_s"), "features.hop_s: 1e-06 s is less than one sample"),
    "a window of gigabytes": (put(1e9, "windows", "length_s"), "a window has 16,000,000,000,000 samples; the limit"),
    "a band above Nyquist": (put(9000, "features", "fmax"), "features.fmax (9000 Hz) is above half"),
    "a key of another kind of feature": (put({"kind": "birdnet", "n_mels": 64}, "features"), "features.n_mels is for features of kind logmel, not birdnet"),
    "birdnet at another rate": (put({"kind": "birdnet"}, "features"), "BirdNET processes 3 s at 48,000 Hz"),
    "a cnn on embeddings": (put({"kind": "birdnet"}, "features"), "training.model cnn cannot be trained on features of kind birdnet: it needs head"),
    "a head on pictures": (put("head", "training", "model"), "training.model head cannot be trained on features of kind logmel"),
    "a network without its file": (put({"kind": "onnx"}, "features"), "features.kind onnx needs features.path"),
    "filling up and cutting down": (put("smote", "training", "upsampling"), "set balance to none"),
    "the old word for cutting classes": (put(True, "training", "balance"), "training.balance: true is called 'cut' now, and false 'none'"),
    "the old word for leaving classes": (put(False, "training", "balance"), "training.balance: true is called 'cut' now, and false 'none'"),
    "the old word on an axis": (put([True, False], "matrix", "balance"), "matrix.balance.1: true is called 'cut' now, and false 'none'"),
    "the old word for the mining model": (put(True, "mining", "training", "balance"), "mining.training.balance: true is called 'cut' now, and false 'none'"),
    "a balance of no kind": (put("half", "training", "balance"), "training.balance: 'half' is not one of batches, weights, cut, none"),
    "mined windows that enter in no way": (put("swap", "training", "mined"), "training.mined: 'swap' is not one of add, replace, share"),
    "a misspelt change of windows": (put({"time_shft": 0.1}, "training", "augmentation"), "unknown key 'time_shft' at training.augmentation: did you mean 'time_shift'?"),
    "a change stronger than the window": (put({"time_shift": 0.7}, "training", "augmentation"), "training.augmentation.time_shift: 0.7 is greater than the maximum of 0.5"),
    "limits the wrong way round": (put({"augmentation": {"background_snr_db": [9, 3]}}, "mining", "training"), "mining.training.augmentation.background_snr_db: the first number is the lowest"),
    "changes of embeddings": (lambda config: config.update(features={"kind": "birdnet"}, windows={}, training={"model": "head", "augmentation": {"gain_db": 3}}), "training.augmentation changes spectrograms, and features of kind birdnet are embeddings"),
    "changes of the audit's embeddings": (lambda config: config.update(features={"kind": "birdnet"}, windows={}, training={"model": "head"}, audit={"training": {"augmentation": {"background": "labelled"}}}), "audit.training.augmentation changes spectrograms"),
    "more epochs at least than at most": (lambda config: config["training"].update(epochs=5, patience=2), "training.min_epochs (10) is above epochs (5), so that patience has no effect"),
    "a class left short": (lambda config: config["training"].update(weak_labels="max", balance="none"), "training.weak_labels: max and two_pass leave positive windows out"),
    "an epoch kept at random": (put("any", "training", "keep_epoch"), "training.keep_epoch: 'any' is not one of last, best"),
    "a share of all negatives": (put(1, "training", "mined_share"), "training.mined_share: 1 is greater than or equal to the maximum of 1"),
    "a weight of nothing": (put(0, "training", "mined_weight"), "training.mined_weight: 0 is less than or equal to the minimum of 0"),
    "no window of a file": (put(0, "training", "mined_windows_per_file"), "training.mined_windows_per_file: 0 is less than the minimum of 1"),
    "an epoch of another size": (put("mined", "training", "epoch_size"), "training.epoch_size: 'mined' is not one of labelled, all"),
    "a share of batches that are not divided": (lambda config: config["training"].update(mined="share", balance="weights"), "training.mined: share divides the negatives of batches that are half positive"),
    "a share on an axis": (lambda config: (config["matrix"].update(mined=["add", "share"]), config["training"].update(balance="none")), "training.mined: share divides"),
    "a replacement that is then cut": (lambda config: config["training"].update(mined="replace", balance="cut"), "use one"),
    "a fixed tier that is drawn again": (put(True, "negative_tiers", "conf50", "redraw"), "negative_tiers.conf50.redraw is for tiers that are drawn at random"),
    "a disjoint tier that matches nothing": (put(True, "negative_tiers", "conf50", "disjoint"), "negative_tiers.conf50.disjoint leaves out the files of the tier in match_size_of"),
    "a tier disjoint from many draws": (lambda config: config["negative_tiers"].update(drawn={"random": 9}, other={"match_size_of": "drawn", "disjoint": True, "redraw": False}), "'drawn' is drawn again for each seed: remove redraw from 'other'"),
    "several windows of a tier that has one": (lambda config: (config["mining"].update(rounds=2), config["negative_tiers"].update(again={"round": 2}), config["matrix"]["negative_tier"].append("again"), config["training"].update(mined_windows_per_file=2)), "tier 'again' of the second round has one window of each file"),
    "an export of a run not trained": (put({"seed": 7}, "export"), "unknown key 'seed' at export"),
    "a left-out axis that is none": (put([{"validaton": ["internal"]}], "leave_out"), "leave_out.0.validaton: 'validaton' is not an axis of the matrix: did you mean 'validation'?"),
    "a left-out value that is not there": (put([{"negative_tier": ["matched"]}], "leave_out"), "leave_out.0.negative_tier: the matrix has no negative_tier matched"),
    "left-out seeds": (put([{"seed": [123]}], "leave_out"), "leave_out.0.seed: seeds are repetitions of every arm"),
    "a value left out everywhere": (put([{"negative_tier": ["conf99"]}], "leave_out"), "leave_out leaves no run with negative_tier conf99: remove it from matrix.negative_tier"),
    "a left-out run that is exported": (put([{"negative_tier": ["none"], "positive_subset": ["base"]}], "leave_out"), "export.run is a run that leave_out leaves out"),
    "a comparison of nothing": (put([{"positive_subset": ["base"], "negative_tier": ["conf50", "conf85", "conf99", "unchecked99", "random"]}, {"positive_subset": ["half"], "negative_tier": ["none"]}], "leave_out"), "comparisons.0: leave_out leaves no run of another negative_tier to compare with none"),
    "an export of a seed not trained": (put({"run": {"seed": 7}}, "export"), "export.run: the matrix has no seed 7"),
    "finished scores of nothing": (put("scores.csv", "mining", "model"), "set mining.label to the target's name in it"),
    "a ranking by finished scores": (put("scores.csv", "mining", "model"), "positive_subsets.half.add needs a model that ranks positives"),
    "two models of one name": (put(["a/model.safetensors", "b/model.safetensors"], "mining", "model"), "two models are called 'model': give each a name"),
    "a model named as the mean": (put([{"name": "mean", "model": "train"}], "mining", "model"), "'mean' already means the mean of all models"),
    "a model named with a slash": (put([{"name": "a/b", "model": "train"}], "mining", "model"), "the name 'a/b' may contain only letters, digits and _.+-"),
    "two models trained here": (put(["train", {"name": "b", "model": "train"}], "mining", "model"), "mining.seeds trains several models"),
    "a misspelt key of a model": (put([{"nam": "b", "model": "train"}], "mining", "model"), "unknown key 'nam' at mining.model.0: did you mean 'name'?"),
    "a tier by an unknown model": (put("trian", "negative_tiers", "conf50", "ranked_by"), "negative_tiers.conf50.ranked_by: no mining model is called 'trian'; use one of mean, minimum, trained"),
    "a control cut otherwise": (put("minimum", "negative_tiers", "random", "ranked_by"), "negative_tiers.random.ranked_by: a tier with match_size_of takes the ranking of 'conf85' (mean): remove ranked_by"),
    "a ranking by finished scores in a list": (put(["scores.csv", "train"], "mining", "model"), "list another model first in mining.model"),
    "a classifier's class not named": (put("frogs.tflite", "mining", "model"), "mining.model is a BirdNET classifier: set mining.label to the target's name in it"),
    "a classifier of other windows": (lambda config: config.update(mining=config["mining"] | {"model": "frogs.tflite", "label": "Frog"}, windows={"length_s": 5}), "a BirdNET classifier processes 3 s: set windows.length_s to 3"),
    "a tier of a round that is not": (put({"round": 2}, "negative_tiers", "conf50"), "the pool is mined only once: set mining.rounds to 2"),
    "a drawn tier of the second round": (put({"round": 2, "random": 3}, "negative_tiers", "conf50"), "a tier of the second round cannot be random or match_size_of"),
    "a second round after no tier": (lambda config: config["mining"].update(rounds=2, second_round={"negative_tier": "none"}), "'none' must contain files"),
    "a second round after an unknown tier": (lambda config: config["mining"].update(rounds=2, second_round={"negative_tier": "conf8"}), "negative_tier: 'conf8' is not a tier: did you mean 'conf85'"),
    "a model named as the second round": (lambda config: config["mining"].update(rounds=2, model=[{"name": "second", "model": "train"}]), "'second' is the name of the second round's detector"),
    "a site that YAML reads as a number": (put([7], "splits", "ood_sites"), 'splits.ood_sites.0: YAML reads this name as a number (7). Put it in quotes, such as "NO"'),
    "a site that YAML reads as no": (put([False], "splits", "ood_sites"), "splits.ood_sites.0: YAML reads this name as yes or no (False). Put it in quotes"),
    "a site that YAML reads as a date": (put([datetime.date(2025, 3, 12)], "splits", "ood_sites"), "YAML reads this name as a date (2025-03-12). Put it in quotes"),
    "a tier that YAML reads as a number": (put({}, "negative_tiers", 50), "negative_tiers: YAML reads the name 50 as a number. Put it in quotes"),
    "both sources of sound": (put("m.csv", "manifest"), "give either manifest (with audio_root) or generated"),
    "a manifest without its root": (lambda config: config.update(manifest=config.pop("generated") and "m.csv"), "audio_root"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_meant_is_refused_by_name(case, config):
    change, message = WRONG[case]
    change(config)
    with pytest.raises(InputError) as error:
        configuration.complete(config, SCHEMA)
    assert message in str(error.value)


def renamed_keys(part, root=None, path=()):
    """Every renamed key of a schema: the path of its section, the old name and the new one."""
    root = root or part
    for name, child in part.get("properties", {}).items():
        if "formerly" in child:
            yield path, child["formerly"], name
        yield from renamed_keys(child, root, (*path, name))
    if "items" in part:
        yield from renamed_keys(part["items"], root, (*path, 0))
    named = part.get("additionalProperties")
    if isinstance(named, dict) and "$ref" in named:
        yield from renamed_keys(root["$defs"][named["$ref"].rsplit("/", 1)[1]], root, (*path, "NAME"))


RENAMED = [
    (example, schema, *renamed)
    for example, schema in (("config", SCHEMA), ("published", SCHEMA.with_name("finished_runs.schema.yaml")))
    for renamed in renamed_keys(yaml.safe_load(schema.read_text()))
]


@pytest.mark.parametrize(("example", "schema", "path", "old", "new"), RENAMED, ids=lambda part: str(part)[-20:])
def test_the_old_name_of_a_key_is_refused_with_the_new_one(example, schema, path, old, new):
    config = section = yaml.safe_load((ROOT / "config" / f"{example}.yaml").read_text())
    for key in path:
        name = next(iter(section)) if key == "NAME" else key
        section = section[name] if isinstance(section, list) else section.setdefault(name, {})
    section[old] = None
    with pytest.raises(InputError, match=f"unknown key '{old}' at .*: it is now called '{new}'"):
        configuration.complete(config, schema)


def test_features_hold_the_keys_of_their_kind_alone(config):
    config["features"], config["windows"] = {"kind": "birdnet"}, {}
    config["training"] = {"model": "head"}
    assert configuration.complete(config, SCHEMA)["features"] == {"kind": "birdnet"}


def test_spectrograms_are_augmented_by_default_and_embeddings_never(config):
    assert configuration.complete(config, SCHEMA)["training"]["augmentation"]["gain_db"] > 0
    config["features"], config["windows"] = {"kind": "birdnet"}, {}
    config["training"] = {"model": "head"}
    strengths = configuration.complete(config, SCHEMA)["training"]["augmentation"]
    assert strengths["gain_db"] == strengths["time_shift"] == 0 and strengths["background"] == "none"


def test_the_mining_model_takes_the_strengths_that_it_does_not_change(config):
    config["training"]["augmentation"] = {"gain_db": 3, "background": "pool"}
    config["mining"]["training"] = {"augmentation": {"time_mask": 0}}
    complete = configuration.complete(config, SCHEMA)
    assert complete["mining"]["training"] == {"augmentation": {"time_mask": 0}}
    augmentation = MiningPlan.from_config(complete, "results").training["augmentation"]
    assert (augmentation["gain_db"], augmentation["time_mask"], augmentation["tilt_db"]) == (3, 0, 7)
    assert augmentation["background"] == "labelled", "no tier exists yet that could leave files of the pool out"


def test_the_readme_documents_exactly_the_schemas_keys():
    readme = (ROOT / "config" / "README.md").read_text()
    assert configuration_table.update_table(readme, yaml.safe_load(SCHEMA.read_text())) == readme


def test_every_key_of_the_schema_has_a_description():
    schema = yaml.safe_load(SCHEMA.read_text())
    rows = list(configuration_table.list_keys(schema, schema))
    assert len(rows) > 60 and all(len(row[3]) > 5 for row in rows)


def test_yaml_anchors_are_allowed_and_a_bomb_of_them_is_refused(config):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    with pytest.raises(InputError, match="expands to more than 100,000 values"):
        configuration.complete(yaml.safe_load(bomb), SCHEMA)
    config["positive_subsets"]["again"] = config["positive_subsets"]["base"]
    assert "again" in configuration.complete(config, SCHEMA)["positive_subsets"]


@pytest.mark.parametrize(
    ("training", "balance"), [({}, "none"), ({"epochs": 3}, "none"), ({"balance": "batches"}, "batches")]
)
def test_the_audits_models_take_every_window_unless_asked_otherwise(config, training, balance):
    config["audit"] = {"training": training}
    complete = configuration.complete(config, SCHEMA)
    assert complete["audit"]["training"] == training | {"balance": balance}
    assert complete["training"]["balance"] == "batches"


def test_a_key_that_is_given_twice_is_refused_with_its_lines(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("training:\n  epochs: 3\n  dropout: 0.1\n  epochs: 30\nmatrix: &axes {seed: [1]}\nother: *axes\n")
    with pytest.raises(InputError, match="'epochs' in line 2 and again in line 4") as refusal:
        configuration.refuse_repeated_keys(path)
    assert "'seed'" not in str(refusal.value)


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_shipped_configuration_gives_a_key_twice(path):
    configuration.refuse_repeated_keys(path)
