"""The examples in docstrings run and print what they show."""

import doctest
import importlib

import pytest
from paths import PACKAGE, ROOT, SCRIPTS

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_examples_print_what_they_show(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(".".join(path.relative_to(SCRIPTS).with_suffix("").parts))
    failures, examples = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert examples > 0 and failures == 0
