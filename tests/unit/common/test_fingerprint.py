import pytest

from hardneg.common import fingerprint


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A script that imports one module, which imports another."""
    package = tmp_path / "hardneg"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text("LIMIT = 3\n")
    (package / "near.py").write_text(
        '"""Doc."""\nfrom hardneg.deep import LIMIT\n\ndef f(x):\n    """Doc."""\n    return x + LIMIT\n'
    )
    (package / "apart.py").write_text("UNUSED = 1\n")
    (tmp_path / "rule.py").write_text("from hardneg import near\n\nnear.f(1)\n")
    monkeypatch.setattr(fingerprint, "SCRIPTS", tmp_path)
    return tmp_path / "rule.py", package


@pytest.mark.parametrize(
    ("name", "old", "new", "changes"),
    [
        ("near.py", "x + LIMIT", "x - LIMIT", True),
        ("deep.py", "LIMIT = 3", "LIMIT = 4", True),
        ("near.py", "x + LIMIT", "x + LIMIT  # why", False),
        ("near.py", '    """Doc."""\n', '    """Another doc."""\n', False),
        ("near.py", "def f(x):", "\n\n\ndef f( x ):", False),
        ("apart.py", "UNUSED = 1", "UNUSED = 2", False),
    ],
)
def test_only_code_that_the_script_reaches_changes_its_fingerprint(script, name, old, new, changes):
    path, package = script
    before = fingerprint.hash_script(path)
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    assert (fingerprint.hash_script(path) != before) == changes


def test_the_code_of_the_script_itself_counts(script):
    path, _ = script
    before = fingerprint.hash_script(path)
    path.write_text("from hardneg import near\n\nnear.f(2)\n")
    assert fingerprint.hash_script(path) != before


@pytest.mark.parametrize(
    "line", ["from . import apart", "from .apart import UNUSED", "from hardneg import gone", "import hardneg.gone"]
)
def test_an_import_that_cannot_be_followed_is_an_error(script, line):
    path, package = script
    (package / "near.py").write_text(f"{line}\nLIMIT = 1\n")
    with pytest.raises(ImportError, match=r"near\.py"):
        fingerprint.hash_script(path)
