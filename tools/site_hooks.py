"""Extend MkDocs: make pages of files outside ``docs/``, and a reference page for each package.

MkDocs calls the functions named ``on_...``, because ``mkdocs.yml`` lists this file. The pages exist only in the site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "workflow" / "scripts" / "hardneg"
# Files of the project that are pages of the site, too.
PAGES = {
    "README.md": "index.md",
    "config/README.md": "using/configuration.md",
    "CONTRIBUTING.md": "working/contributing.md",
    "CHANGELOG.md": "working/changelog.md",
}
# From inputs to outputs: the order in which packages may import each other.
PACKAGES = (
    "common", "audio", "recordings", "synthetic", "features", "models", "mining", "audit", "review", "experiments",
    "statistics", "report", "export", "planning",
)  # fmt: skip
TOP_LEVEL = "top-level"  # the page of the modules that belong to no package
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of the reference into the navigation."""
    missing = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {*PACKAGES, "benchmarks"}
    if missing:
        raise PluginError(f"add {', '.join(sorted(missing))} to PACKAGES in tools/site_hooks.py")
    pages = [{package: f"reference/{package}.md"} for package in (*PACKAGES, TOP_LEVEL)]
    for entry in config.nav or []:
        if "Reference" in entry:
            entry["Reference"] = pages
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in ``docs/``."""
    for source, target in PAGES.items():
        existing = files.get_file_from_path(target)
        if existing is not None:
            files.remove(existing)
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    for package in (*PACKAGES, TOP_LEVEL):
        files.append(File.generated(config, f"reference/{package}.md", content=reference_page(package)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links to files of the project at the pages of the site; links to other files become plain text."""
    sources = {target: source for source, target in PAGES.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return LINK.sub(lambda match: _rewrite_link(match, source, page.file.src_uri), markdown)


def reference_page(package: str) -> str:
    """Write the reference page of a package: its modules, documented by their docstrings."""
    return f"# {package}\n\n" + "\n".join(f"::: {name}\n" for name in list_modules(package))


def list_modules(package: str) -> list[str]:
    """List the full names of a package's modules, sorted."""
    folder = PACKAGE if package == TOP_LEVEL else PACKAGE / package
    names = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("__"))
    return [".".join(["hardneg", *folder.relative_to(PACKAGE).parts, name]) for name in names]


def _rewrite_link(match: re.Match[str], source: str, page: str) -> str:
    image, text, target, anchor = match.groups()
    if "://" in target or target.startswith("mailto:"):
        return match.group()
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    if path in PAGES:
        site_path = PAGES[path]
    elif path.startswith("docs/"):
        site_path = path.removeprefix("docs/")
    elif (ROOT / path).exists():
        return text
    else:
        return match.group()  # MkDocs reports it as a broken link
    relative = posixpath.relpath(site_path, posixpath.dirname(page) or ".")
    return f"{image}[{text}]({relative}{anchor or ''})"
