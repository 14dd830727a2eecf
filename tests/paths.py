"""Folders that tests use."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"
PACKAGE = SCRIPTS / "hardneg"
SHARED = ROOT.parent / "shared"
