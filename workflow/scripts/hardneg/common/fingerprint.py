"""A hash of the code that a rule runs. Comments, docstrings and layout do not change it.

Snakemake does not see the modules that a script imports, and it mistakes a new modification time for new code.
A rule that has this hash among its parameters runs again when the code it runs has changed, and only then.
"""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
# Modules that cannot change a result.
EXCLUDED = {"hardneg.common.log", "hardneg.common.errors", "hardneg.common.fingerprint"}


def hash_script(path: str | os.PathLike[str]) -> str:
    """Fingerprint a script together with every module of this package that it imports, directly or not.

    Parameters
    ----------
    path : the script. Its modules are looked up in the folder that contains this package.

    Returns
    -------
    16 hexadecimal characters.

    Raises
    ------
    ImportError
        If an import is relative, or if the package does not contain the imported module. A rule with such an import
        would not run again when the module changes.
    """
    hashes: dict[str, str] = {}
    _add_hashes(Path(path), "script", hashes)
    return hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest()[:16]


def hash_file(path: str | os.PathLike[str]) -> str:
    """Fingerprint a file that is not code: 16 hexadecimal characters of its SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _add_hashes(path: Path, name: str, hashes: dict[str, str]) -> None:
    """Add the hash of a module and of all that it imports to `hashes`."""
    hashes[name], imported = _parse(path, path.stat().st_mtime_ns)
    for module in imported:
        if module not in hashes and module not in EXCLUDED:
            _add_hashes(_find_file(module), module, hashes)


@cache
def _parse(path: Path, _mtime_ns: int) -> tuple[str, tuple[str, ...]]:
    """Return the hash of a file's code and the modules that it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _strip_docstrings(tree)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(sorted(_find_imports(tree, path)))


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]


def _find_imports(tree: ast.Module, path: Path) -> set[str]:
    """List the modules of this package that a module imports. An import that cannot be followed is an error."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names if _is_in_package(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ImportError(
                f"{path}:{node.lineno}: relative import. Use the full name instead: from hardneg.<package> import ..."
            )
        elif isinstance(node, ast.ImportFrom) and _is_in_package(node.module or ""):
            module = str(node.module)
            submodules = {f"{module}.{alias.name}" for alias in node.names}
            is_package = _find_file(module).name == "__init__.py"
            names |= {module} | (submodules if is_package else set())
    for name in sorted(names):
        if not _find_file(name).exists():
            raise ImportError(f"{path}: imports {name}, but this package has no such module")
    return names


def _is_in_package(module: str) -> bool:
    return module.split(".")[0] == "hardneg"


def _find_file(module: str) -> Path:
    path = SCRIPTS.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
