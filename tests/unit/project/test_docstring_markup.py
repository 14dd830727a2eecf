import sys

import griffe
import pytest
from paths import ROOT

CODE = '''
"""A module; see :func:`double`."""

FACTOR = 2


def double(value: float) -> float:
    """Multiply by :data:`FACTOR`, as :func:`elsewhere.double` does.

    Parameters
    ----------
    value : what to multiply,
        any number.

    Returns
    -------
    Twice the value.

    Raises
    ------
    ValueError
        Never.
    """
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    (tmp_path / "hardneg").mkdir()
    (tmp_path / "hardneg" / "__init__.py").touch()
    (tmp_path / "hardneg" / "arithmetic.py").write_text(CODE)
    extensions = griffe.load_extensions(str(ROOT / "tools" / "docstring_markup.py"))
    return griffe.load("hardneg", search_paths=[tmp_path], extensions=extensions, docstring_parser="numpy")[
        "arithmetic"
    ]


def section(function, kind):
    return next(part.value for part in function.docstring.parsed if part.kind.value == kind)


def test_a_parameter_has_its_type_from_the_signature_and_its_description(module):
    (parameter,) = section(module["double"], "parameters")
    assert (str(parameter.annotation), parameter.description) == ("float", "what to multiply,\nany number.")


def test_a_result_has_its_type_from_the_signature_and_its_description(module):
    (result,) = section(module["double"], "returns")
    assert (str(result.annotation), result.description.strip()) == ("float", "Twice the value.")


def test_other_sections_stay_unchanged(module):
    (error,) = section(module["double"], "raises")
    assert (str(error.annotation), error.description) == ("ValueError", "Never.")


def test_names_of_the_package_become_links_and_others_do_not(module):
    assert "[`double`][hardneg.arithmetic.double]" in module.docstring.value
    text = section(module["double"], "text")
    assert "[`FACTOR`][hardneg.arithmetic.FACTOR]" in text and "as `double` does" in text
