from hardneg.experiments import matrix


def test_axes_are_text_and_in_order_with_the_seed_last():
    runs = matrix.expand(
        {
            "seed": [1, 2],
            "dropout": [0.1, 0.5],
            "negative_tier": ["none"],
            "positive_subset": ["a"],
            "validation": ["holdout"],
        }
    )
    assert list(runs.columns) == ["positive_subset", "negative_tier", "validation", "dropout", "seed"]
    assert set(runs.dropout) == {"0.1", "0.5"} and len(runs) == 4


def test_a_run_is_left_out_if_it_has_a_listed_value_on_each_axis_of_an_entry():
    axes = {"positive_subset": ["a", "b"], "negative_tier": ["none", "hard", "random"]}
    leave_out = [
        {"validation": ["internal"], "positive_subset": ["b"]},
        {"validation": ["internal"], "dropout": [0.5], "negative_tier": ["hard", "random"]},
    ]
    runs = matrix.expand(axes | {"validation": ["holdout", "internal"], "dropout": [0.1, 0.5], "seed": [1]}, leave_out)
    assert (runs.validation == "holdout").sum() == 12
    internal = runs[runs.validation == "internal"]
    assert set(internal.positive_subset) == {"a"}
    assert sorted(zip(internal.negative_tier, internal.dropout, strict=True)) == [
        ("hard", "0.1"), ("none", "0.1"), ("none", "0.5"), ("random", "0.1"),
    ]  # fmt: skip
    assert list(runs.index) == list(range(len(runs)))


def test_the_training_keys_of_a_run_replace_the_defaults_with_their_type():
    resolved = matrix.resolve_training(
        {"dropout": [0.1, 0.5], "seed": [1]}, {"dropout": 0.2, "epochs": 3}, {"dropout": "0.5", "seed": "1"}
    )
    assert resolved == {"dropout": 0.5, "epochs": 3}
