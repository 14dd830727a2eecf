from dataclasses import fields

from hardneg.experiments.matrix import DESIGN_AXES
from hardneg.experiments.run_description import RunCounts
from hardneg.models.training_settings import TrainingSettings


def test_no_count_has_the_name_of_an_axis_because_both_are_columns_of_one_table():
    axes = {*DESIGN_AXES, "seed", *(field.name for field in fields(TrainingSettings))}
    assert not axes & {field.name for field in fields(RunCounts)}
