"""Adapt the package's docstrings for the site: a griffe extension that mkdocstrings loads.

Types stand in the signatures, so the docstrings of the package put the description of a parameter where NumPy's style
puts its type: ``name : description``. This extension moves it to where griffe looks for it. It also turns the roles of
Sphinx, such as ``:func:`name```, into links; the build fails if a name does not exist.
"""

import re
from typing import Any

import griffe

DESCRIBED_BY_NAME = ("Parameters", "Attributes")
DESCRIBED_IN_WORDS = ("Returns", "Yields")
ROLE = re.compile(r":(?:\w+:)*\w+:`~?([\w.]+)`")
ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*) : (?P<text>.+)")


class DocstringMarkup(griffe.Extension):
    """Rewrite each docstring before griffe splits it into sections."""

    def on_object(self, *, obj: griffe.Object, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring is not None:
            text = move_descriptions(fence_examples(obj.docstring.value))
            obj.docstring.value = ROLE.sub(lambda match: link(match[1], obj), text).replace("\\ ", "")


def fence_examples(text: str) -> str:
    """Mark the examples in a text without a section for them as code."""
    if re.search(r"^Examples\n-{3,}$", text, flags=re.MULTILINE):
        return text
    return re.sub(r"^>>> .*(?:\n.+)*", r"```pycon\n\g<0>\n```", text, flags=re.MULTILINE)


def move_descriptions(text: str) -> str:
    """Put descriptions of parameters, attributes and results on indented lines, below the name or a lone colon."""
    section = ""
    result: list[str] = []
    lines = text.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch(r"-{3,}", following):
            section = line
        if re.fullmatch(r"-{3,}", line) and section in DESCRIBED_IN_WORDS:
            result += [line, ":"]
        elif line in (section, "") or re.fullmatch(r"-{3,}", line):
            result.append(line)
        elif section in DESCRIBED_IN_WORDS:
            result.append(f"    {line}")
        elif section in DESCRIBED_BY_NAME and (item := ITEM.fullmatch(line)):
            result += [item["names"], f"    {item['text']}"]
        else:
            result.append(line)
    return "\n".join(result)


def link(name: str, obj: griffe.Object) -> str:
    """Write a link to a public name: a full one, or one of the object's module or class."""
    shown = name.rsplit(".", 1)[-1]
    first, *rest = name.split(".")
    for scope in (obj, obj.parent, obj.module):
        if scope is not None and first in scope.members:
            member = scope.members[first]
            name = ".".join([member.target_path if isinstance(member, griffe.Alias) else member.path, *rest])
            break
    is_public = name.startswith("hardneg.") and "._" not in name
    return f"[`{shown}`][{name}]" if is_public else f"`{shown}`"
