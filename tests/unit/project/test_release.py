"""The version and the description of a release stand in several files."""

import tomllib

import pytest
import yaml
from paths import ROOT

import hardneg


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_package_and_the_citation_have_the_version_of_the_project(project, citation):
    assert hardneg.__version__ == project["version"] == citation["version"]


def test_the_changelog_starts_with_the_version_of_the_project(project):
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "]
    headings = headings[headings[0] == "## Unreleased" :]
    assert headings[0].startswith(f"## {project['version']} ")


def test_the_citation_has_the_license_of_the_project(project, citation):
    assert citation["license"] == project["license"]
