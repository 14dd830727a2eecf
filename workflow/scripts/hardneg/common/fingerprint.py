"""A hash of the code that a rule runs, blind to comments, docstrings and layout.

Snakemake does not see the modules that a script imports, and takes a changed modification time for changed
code. A rule that carries this hash among its parameters runs again when, and only when, what it runs has
changed.
"""

import ast
import hashlib
import os
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
DECIDE_NOTHING = {"hardneg.common.log", "hardneg.common.errors", "hardneg.common.fingerprint"}


def hash_script(path: str | os.PathLike) -> str:
    """Fingerprint a script together with every module of this package that it reaches.

    Parameters
    ----------
    path : the script; modules are looked for in the folder that holds this package.

    Returns
    -------
    16 hexadecimal characters.

    Raises
    ------
    ImportError
        If an import is relative or names no module of this package: a rule that depends on a module unseen would not
        run again when that module changes.
    """
    seen: dict[str, str] = {}
    _visit(Path(path), "script", seen)
    return hashlib.sha256(repr(sorted(seen.items())).encode()).hexdigest()[:16]


def _visit(path: Path, name: str, seen: dict[str, str]) -> None:
    seen[name], imported = _parse(path, path.stat().st_mtime_ns)
    for module in imported:
        if module not in seen and module not in DECIDE_NOTHING:
            _visit(_file_of(module), module, seen)


@cache
def _parse(path: Path, _mtime_ns: int) -> tuple[str, tuple[str, ...]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _strip_docstrings(tree)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(sorted(_imports(tree, path)))


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]


def _imports(tree: ast.Module, path: Path) -> set[str]:
    """List the modules of this package that a module imports; an import that cannot be followed is an error."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ImportError(f"{path}:{node.lineno}: relative import; write the full name, from hardneg.<package>")
        elif isinstance(node, ast.ImportFrom) and _is_ours(node.module or ""):
            module = str(node.module)
            submodules = {f"{module}.{alias.name}" for alias in node.names}
            is_package = _file_of(module).name == "__init__.py"
            names |= {module} | (submodules if is_package else set())
    for name in sorted(names):
        if not _file_of(name).exists():
            raise ImportError(f"{path}: imports {name}, which is no module of this package")
    return names


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "hardneg"


def _file_of(module: str) -> Path:
    path = SCRIPTS.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def hash_file(path: str | os.PathLike) -> str:
    """Fingerprint a file that is not code: 16 hexadecimal characters of its SHA-256."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
