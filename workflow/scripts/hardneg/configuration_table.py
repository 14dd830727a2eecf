"""Write the schema's keys as the table of config/README.md.

``python -m hardneg.configuration_table SCHEMA README`` does it in place.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from hardneg.common.files import write_text

START, END = "<!-- keys: start (made by `make config-table`) -->", "<!-- keys: end -->"


def update(readme: str, schema: dict) -> str:
    """Replace what stands between the two markers of `readme` by a table of every key of `schema`."""
    before, rest = readme.split(START)
    _, after = rest.split(END)
    rows = "\n".join(f"| {' | '.join(row)} |" for row in keys(schema, schema))
    table = f"| key | type | default | meaning |\n|---|---|---|---|\n{rows}"
    return f"{before}{START}\n{table}\n{END}{after}"


def keys(part: dict, root: dict, path: str = "") -> Iterator[tuple[str, str, str, str]]:
    """List the keys below one part of a schema, depth first: dotted name, type, default, description."""
    for name, child in part.get("properties", {}).items():
        yield from _describe(f"{path}{name}", child, name in part.get("required", []), root)
    items = part.get("additionalProperties")
    if isinstance(items, dict) and "$ref" in items:
        yield from keys(root["$defs"][items["$ref"].rsplit("/", 1)[1]], root, f"{path}NAME.")


def _describe(name: str, child: dict, required: bool, root: dict) -> Iterator[tuple[str, str, str, str]]:
    if "enum" in child:
        kind = ", ".join(f"`{value}`" for value in child["enum"])
    else:
        kinds = [child["type"]] if isinstance(child["type"], str) else child["type"]
        kind = " or ".join({"object": "mapping", "array": "list"}.get(name, name) for name in kinds)
    default = "**required**" if required else ""
    if "default" in child and child["default"] not in ({}, []):
        default = f"`{yaml.safe_dump(child['default'], default_flow_style=True).splitlines()[0]}`"
    yield f"`{name}`", kind, default, child["description"].strip()
    yield from keys(child, root, f"{name}.")
    if "properties" in child.get("items", {}):
        yield from keys(child["items"], root, f"{name}[].")


if __name__ == "__main__":
    schema_path, readme_path = sys.argv[1:]
    text = Path(readme_path).read_text(encoding="utf-8")
    write_text(update(text, yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))), readme_path)
