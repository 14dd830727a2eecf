"""CONTRIBUTING.md names tests, files and packages; each of them exists."""

import re

import pytest
from paths import PACKAGE, ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
PATHS = re.findall(r"`((?:workflow|tests|docs|config|profiles|tools)/[\w./-]*)`", TEXT)


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_a_test_that_the_page_names_exists(path, name):
    assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(PATHS)))
def test_a_path_that_the_page_names_exists(path):
    assert (ROOT / path).exists()


def test_the_map_names_every_package():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {"benchmarks"}
    assert packages == set(re.findall(r"^\| `(\w+)` \| ", TEXT, flags=re.MULTILINE))
