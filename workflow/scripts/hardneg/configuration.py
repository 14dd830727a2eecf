"""Check a configuration against its schema, fill in the defaults and refuse contradictions."""

import datetime
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from hardneg.common.errors import InputError
from hardneg.common.unusable_numbers import find_unusable_numbers
from hardneg.configuration_rules import (
    FEATURE_KEYS,
    Config,
    find_contradictions,
    find_foreign_augmentation,
    find_foreign_features,
    suggest,
)
from hardneg.models.training_settings import NO_AUGMENTATION

Schema = dict[str, Any]
MAX_VALUES = 100_000
QUOTES = 'Put it in quotes, such as "NO", "012" or "2025-03-12".'


def complete(config: Config, schema_path: str | os.PathLike[str]) -> Config:
    """Check a configuration and fill in the defaults of the keys that it leaves out.

    Parameters
    ----------
    config : as read from YAML. A key of the top level with the value null counts as not given, so that one
        configuration file can take away a key of another.
    schema_path : a JSON schema in YAML, with the ``default`` of each optional key.

    Returns
    -------
    A new configuration. Snakemake compares the text of parameters. So that equal settings have equal text, keys are in
    the schema's order (names that the user chose are in the user's order), and numbers have the schema's type.

    Raises
    ------
    InputError
        If a key is unknown or renamed, a value is invalid, or two parts contradict each other. The message suggests
        the key or the name that was probably meant.
    """
    if _count_values(config) > MAX_VALUES:
        raise InputError(
            f"The configuration expands to more than {MAX_VALUES:,} values. Check its YAML aliases (&name and *name): "
            "aliases of aliases multiply."
        )
    unusable = [*find_unusable_numbers(config), *_find_unquoted_names(config)]
    if unusable:
        raise InputError("The configuration is not valid:\n" + "\n".join(f"  {message}" for message in unusable))
    with open(schema_path, encoding="utf-8") as file:
        schema: Schema = yaml.safe_load(file)
    config = {
        key: value for key, value in config.items() if value is not None or key not in schema.get("properties", {})
    }
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path)))
    messages = [_explain(error) for error in errors]
    if not errors and "matrix" in config:
        messages = list(_check_training_values(config, schema["properties"]["training"]["properties"]))
    if messages:
        raise InputError("The configuration is not valid:\n" + "\n".join(f"  {message}" for message in messages))
    filled: Config = _fill(config, schema, schema)
    return _complete_experiment(config, filled, schema) if "matrix" in filled else filled


def refuse_repeated_keys(path: str | os.PathLike[str]) -> None:
    """Refuse a configuration file that gives a key twice. YAML readers keep the last value without a word.

    Raises
    ------
    InputError
        If a mapping has a key more than once. The message gives the lines.
    """
    with open(path, encoding="utf-8-sig") as file:
        root = yaml.compose(file, Loader=yaml.SafeLoader)
    repeated: list[str] = []
    unvisited, visited = [root] if root else [], set()
    while unvisited:
        node = unvisited.pop()
        if id(node) in visited:  # an alias
            continue
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            unvisited += node.value
        if isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if isinstance(key, yaml.ScalarNode) and lines.setdefault(key.value, line) != line:
                    repeated.append(f"  '{key.value}' in line {lines[key.value]} and again in line {line}")
                unvisited.append(value)
    if repeated:
        raise InputError(f"{path} gives keys twice. Remove one of each:\n" + "\n".join(sorted(repeated)))


def _complete_experiment(config: Config, filled: Config, schema: Schema) -> Config:
    """Complete what the schema cannot describe: settings that override others, and keys that depend on the kind."""
    # Without defaults: a key that an override leaves out is taken from `training`.
    overrides = _drop_defaults(schema["properties"]["training"])
    for section in ("mining", "audit"):
        filled[section]["training"] = _fill(filled[section]["training"], overrides, schema)
    problems = [
        *find_foreign_features(config["features"]),
        *find_foreign_augmentation(config),
        *find_contradictions(filled),
    ]
    if problems:
        raise InputError("The configuration contradicts itself:\n" + "\n".join(f"  {text}" for text in problems))
    features = filled["features"]
    if features["kind"] != "logmel":
        filled["training"]["augmentation"] = asdict(NO_AUGMENTATION)
    keys = ("kind", *FEATURE_KEYS[features["kind"]])
    return filled | {"features": {key: value for key, value in features.items() if key in keys}}


def _check_training_values(config: Config, properties: Schema) -> Iterator[str]:
    """Check the training keys outside of ``training``: in the matrix, and where mining and audit differ."""
    values = {
        f"matrix.{key}.{index}": (key, value)
        for key, axis in config["matrix"].items()
        for index, value in enumerate(axis)
        if key not in ("positive_subset", "negative_tier", "validation", "seed")
    }
    for section in ("mining", "audit"):
        training = config.get(section, {}).get("training", {})
        values |= {f"{section}.training.{key}": (key, value) for key, value in training.items()}
    for path, (key, value) in values.items():
        if key in properties:
            yield from (_explain(error, path) for error in Draft202012Validator(properties[key]).iter_errors(value))


def _drop_defaults(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {key: _drop_defaults(value) for key, value in part.items() if key != "default"}


def _find_unquoted_names(part: object, path: str = "the top level") -> Iterator[str]:
    """Find keys that YAML does not read as text."""
    children = part if isinstance(part, dict) else dict(enumerate(part)) if isinstance(part, list) else {}
    for key, child in children.items():
        kind = _name_unquoted_kind(key) if isinstance(part, dict) else ""
        if kind:
            yield f"{path}: YAML reads the name {key} as {kind}. {QUOTES}"
        yield from _find_unquoted_names(child, str(key) if path == "the top level" else f"{path}.{key}")


def _name_unquoted_kind(value: object) -> str:
    """Name what YAML makes of text without quotes, or return ``""`` for text."""
    kinds = {bool: "yes or no", int: "a number", float: "a number", datetime.date: "a date"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "")


def _count_values(part: object, count: int = 0) -> int:
    """Count the values in a configuration; stop at the limit, because aliases can expand to more than memory holds."""
    count += 1
    children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for child in children:
        if count > MAX_VALUES:
            break
        count = _count_values(child, count)
    return count


def _explain(error: ValidationError, parent: str = "") -> str:
    parents = [parent] if parent else []
    path = ".".join([*parents, *map(str, error.absolute_path)]) or "the top level"
    if error.validator == "additionalProperties":
        properties: Schema = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        unknown = [key for key in error.instance if key not in properties] if isinstance(error.instance, dict) else []
        removed = error.schema.get("removed", {}) if isinstance(error.schema, dict) else {}
        return "; ".join(_explain_unknown_key(key, path, properties, removed) for key in unknown)
    if error.context:
        error = best_match([error])
        path = ".".join([*parents, *map(str, error.absolute_path)]) or path
    if isinstance(error.schema, dict) and "expected" in error.schema:
        return f"{path}: {error.instance!r} is not {error.schema['expected']}"
    if error.validator == "enum" and isinstance(error.validator_value, list):
        if isinstance(error.instance, bool) and isinstance(error.schema, dict) and "formerly_true" in error.schema:
            on, off = error.schema["formerly_true"], error.schema["formerly_false"]
            return f"{path}: true is called '{on}' now, and false '{off}'"
        return f"{path}: {error.instance!r} is not one of {', '.join(map(str, error.validator_value))}"
    if error.validator == "type" and "string" in str(error.validator_value):
        kind = _name_unquoted_kind(error.instance)
        if kind:
            return f"{path}: YAML reads this name as {kind} ({error.instance}). {QUOTES}"
    return f"{path}: {error.message}"


def _explain_unknown_key(key: str, path: str, properties: Schema, removed: Schema) -> str:
    if key in removed:
        return f"'{key}' at {path} does not exist any more: {removed[key]}. Remove the key"
    renamed = [name for name, part in properties.items() if part.get("formerly") == key]
    hint = f": it is now called '{renamed[0]}'" if renamed else suggest(key, properties)
    return f"unknown key '{key}' at {path}{hint}"


def _fill(value: Any, schema: Schema, root: Schema) -> Any:
    """Fill in defaults, and give equal settings equal text: keys in the schema's order, numbers of its type."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(value, list):
        return [_fill(item, schema.get("items", {}), root) for item in value]
    if not isinstance(value, dict):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        number_type = {"number": float, "integer": int}.get(str(schema.get("type"))) if is_number else None
        return number_type(value) if number_type else value
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    schema_of_others = others if isinstance(others, dict) else {}
    filled = {
        key: _fill(value.get(key, part.get("default")), part, root)
        for key, part in properties.items()
        if key in value or "default" in part
    }
    return filled | {key: _fill(value[key], schema_of_others, root) for key in value if key not in properties}
