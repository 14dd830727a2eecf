"""Write the keys of a schema as the table of config/README.md.

``python -m hardneg.configuration_table SCHEMA README`` updates the table in the file.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hardneg.common.files import write_text

START, END = "<!-- keys: start (made by `make config-table`) -->", "<!-- keys: end -->"
TYPE_NAMES = {"object": "mapping", "array": "list"}
Schema = dict[str, Any]
Row = tuple[str, str, str, str]


def update_table(readme: str, schema: Schema) -> str:
    """Replace the text between the two markers of `readme` by a table of every key of `schema`."""
    before, rest = readme.split(START)
    _, after = rest.split(END)
    rows = "\n".join(f"| {' | '.join(row)} |" for row in list_keys(schema, schema))
    table = f"| key | type | default | meaning |\n|---|---|---|---|\n{rows}"
    return f"{before}{START}\n{table}\n{END}{after}"


def list_keys(part: Schema, root: Schema, path: str = "") -> Iterator[Row]:
    """List the keys of a part of a schema, depth first: dotted name, type, default and description."""
    for name, child in part.get("properties", {}).items():
        yield from _describe_key(f"{path}{name}", child, name in part.get("required", []), root)
    others = part.get("additionalProperties")
    if isinstance(others, dict) and "$ref" in others:
        yield from list_keys(root["$defs"][others["$ref"].rsplit("/", 1)[1]], root, f"{path}NAME.")


def _describe_key(name: str, child: Schema, required: bool, root: Schema) -> Iterator[Row]:
    if "enum" in child:
        value_type = ", ".join(f"`{value}`" for value in child["enum"])
    else:
        types = [child["type"]] if isinstance(child["type"], str) else child["type"]
        value_type = " or ".join(TYPE_NAMES.get(type_name, type_name) for type_name in types)
    default = "**required**" if required else ""
    if "default" in child and child["default"] not in ({}, []):
        default = f"`{yaml.safe_dump(child['default'], default_flow_style=True).splitlines()[0]}`"
    yield f"`{name}`", value_type, default, child["description"].strip()
    yield from list_keys(child, root, f"{name}.")
    if "properties" in child.get("items", {}):
        yield from list_keys(child["items"], root, f"{name}[].")


if __name__ == "__main__":
    schema_path, readme_path = map(Path, sys.argv[1:])
    readme_text, table_schema = readme_path.read_text(encoding="utf-8"), yaml.safe_load(schema_path.read_text("utf-8"))
    write_text(update_table(readme_text, table_schema), readme_path)
