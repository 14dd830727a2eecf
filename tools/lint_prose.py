"""Check the project's prose: words to avoid, spelling, and the length of sentences.

``python tools/lint_prose.py [FILE ...]`` prints ``file:line: message -> suggestion`` for each finding and exits with 1
if there is one. Without arguments it reads every text that users and contributors see: Markdown, docstrings, comments,
messages, the schemas' descriptions and the report's templates. ``tools/prose.toml`` lists the words.

Each format has a function that masks what is not prose. A masked text has as many lines as the original, so that line
numbers stay right, and the character `BREAK` where one block of text ends and another starts.
"""

import ast
import html
import re
import sys
import tokenize
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCES = (
    "*.md",
    "Makefile",
    "Snakefile",
    "pyproject.toml",
    "mkdocs.yml",
    ".ci/run",
    ".github/**/*.yml",
    "config/**/*",
    "docs/**/*",
    "profiles/**/*.yaml",
    "resources/*.md",
    "results/README.md",
    "tools/*",
    "workflow/**/*",
    "tests/**/*.py",
)
GENERATED = ("docs/reference/",)
BREAK = "\x1d"
CODE = "CODE"  # inline code, addresses and template expressions count as one word each
ABBREVIATION = re.compile(r"\b(e\.g|i\.e|et al|vs|cf|approx|resp|Fig|No|pp?|St|Dr|ca)\.")
SENTENCE_END = re.compile(r"[.!?][\"')\]*_]*\s+(?=[\"'(\[*_]*[A-Z0-9])")
WORD = re.compile(r"[^\W_](?:[\w'./%+-]*\w)?")
MESSAGE_WORDS = 4  # a string literal of fewer words is a name rather than a message


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of prose to change."""

    line: int
    message: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class Block:
    """Text that belongs together, such as a paragraph, and the lines of the file that it comes from.

    Attributes
    ----------
    text : str
        The text on one line.
    starts : tuple of int
        Offset in `text` of each line's first character.
    lines : tuple of int
        Number of each line in the file.
    """

    text: str
    starts: tuple[int, ...]
    lines: tuple[int, ...]

    def line_at(self, offset: int) -> int:
        """Return the number of the line that contains the character at `offset`."""
        return self.lines[bisect_right(self.starts, offset) - 1]


class Rules:
    """The words to avoid and the longest sentence allowed, read from ``prose.toml``."""

    def __init__(self, path: Path) -> None:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        self.max_words: int = settings["max_words"]
        words = {**settings["phrases"], **settings["spelling"]}
        self._words = [(whole_words(pattern), suggestion) for pattern, suggestion in words.items()]
        # One search for all of them is faster where nothing is found, which is nearly everywhere.
        self._any_word = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in self._words), re.I)

    def check(self, block: Block) -> Iterator[Finding]:
        """Yield what to change in one block of text."""
        if self._any_word.search(block.text):
            for pattern, suggestion in self._words:
                for match in pattern.finditer(block.text):
                    yield Finding(block.line_at(match.start()), f'"{match.group()}"', suggestion)
        for offset, sentence in split_sentences(block.text):
            count = len(WORD.findall(sentence))
            if count > self.max_words:
                message = f'{count} words in "{" ".join(sentence.split()[:5])} ..."'
                yield Finding(block.line_at(offset), message, f"sentences of at most {self.max_words} words")


def whole_words(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that matches whole words only; one that starts with a comma follows a word."""
    start = "" if pattern.startswith(",") else r"(?<![\w-])"
    return re.compile(rf"{start}(?:{pattern})(?![\w-])", re.IGNORECASE)


def split_sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and the text of each sentence."""
    start = 0
    for end in SENTENCE_END.finditer(ABBREVIATION.sub(lambda match: match.group().replace(".", "_"), text)):
        yield start, text[start : end.end()]
        start = end.end()
    yield start, text[start:]


def make_blocks(masked: str, first_line: int = 1) -> Iterator[Block]:
    """Split a masked text into blocks, at each `BREAK` and each empty line."""
    numbers: list[int] = []
    parts: list[str] = []
    for number, line in enumerate([*masked.split("\n"), ""], first_line):
        for position, part in enumerate(line.split(BREAK)):
            if (position or not line.strip()) and parts:
                starts = [0]
                for previous in parts[:-1]:
                    starts.append(starts[-1] + len(previous) + 1)
                yield Block(" ".join(parts), tuple(starts), tuple(numbers))
                numbers, parts = [], []
            if part.strip():
                numbers.append(number)
                parts.append(part.strip())


def mask(pattern: str, text: str, replacement: str = "", flags: re.RegexFlag = re.NOFLAG) -> str:
    """Replace each match, and keep its line breaks."""
    return re.sub(pattern, lambda match: replacement + "\n" * match.group().count("\n"), text, flags=flags)


def mask_inline(text: str) -> str:
    """Mask inline code, addresses and the targets of links."""
    text = mask(r"(?<!`)(`+)(?!`)([^`]+?)(?<!`)\1(?!`)", text, CODE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)\s]*(?:\s+\"[^\"]*\")?\)(?:\{[^}]*\})?", r"\1", text)
    return re.sub(r"<?\bhttps?://\S+", CODE, text)


def mask_markdown(text: str) -> str:
    """Mask everything in a Markdown text that is not prose; a table's cells become separate blocks."""
    text = mask(r"\A---\n.*?\n---\n", text, BREAK, re.S)
    text = mask(r"<!--.*?-->", text, BREAK, re.S)
    text = mask(r"^[ \t>]*(```+|~~~+).*?^[ \t>]*\1[ \t]*$", text, BREAK, re.S | re.M)
    lines = []
    for line in mask_inline(text).split("\n"):
        line = line.strip().lstrip("> ")
        if line.startswith(":::") or re.fullmatch(r"[-=|: ]*", line):
            line = BREAK
        elif line.startswith("|"):
            line = line.replace("|", BREAK)
        elif match := re.match(r"(#+|[-*+]|\d+[.)]|!!!\s*\w+|\?\?\?\+?\s*\w+|===|\[\^\w+\]:)\s+(.*)", line):
            line = BREAK + match[2] + (BREAK if match[1][0] in "#!?=" else "")
        lines.append(line)
    return "\n".join(lines)


def mask_template(text: str) -> str:
    """Mask the markup and the expressions of an HTML or Markdown template; branches become separate blocks."""
    text = mask(r"\{#.*?#\}", text, flags=re.S)
    text = mask(r"<(style|script|svg|pre)\b.*?</\1>", text, BREAK, re.S)
    text = mask(r"<code\b.*?</code>|\{\{.*?\}\}", text, CODE, re.S)
    text = mask(r"\{%-?\s*(if|endif)\b.*?%\}", text, flags=re.S)
    text = mask(r"\{%.*?%\}", text, BREAK, re.S)
    text = mask(r"</?(a|abbr|b|em|i|kbd|label|q|small|span|strong|sub|sup|var|wbr)\b[^>]*>", text, flags=re.S)
    text = mask(r"</?\w[^>]*>", text, BREAK, re.S)
    return html.unescape(text)


def mask_docstring(text: str) -> str:
    """Mask everything in a NumPy docstring that is not prose: names with types, examples, formulas and references."""
    lines: list[str] = []
    names_follow = skip_section = False
    literal_indent: int | None = None
    base = min((len(line) - len(line.lstrip()) for line in text.split("\n")[1:] if line.strip()), default=0)
    source = text.split("\n")
    for position, line in enumerate(source):
        indent = len(line) - len(line.lstrip()) if position else base
        line = line.strip()
        following = source[position + 1].strip() if position + 1 < len(source) else ""
        if re.fullmatch(r"-{3,}", line):
            lines.append(BREAK)
            continue
        if line and re.fullmatch(r"-{3,}", following):
            names_follow = line in ("Parameters", "Returns", "Yields", "Raises", "Attributes", "Other Parameters")
            skip_section = line in ("References", "Examples")
            lines.append(BREAK)
            continue
        if literal_indent is not None and line and indent <= literal_indent:
            literal_indent = None
        is_name = names_follow and indent == base and line
        if skip_section or is_name or literal_indent is not None or line.startswith((">>>", "...")):
            lines.append(BREAK)
        elif match := re.match(r"([-*]|\d+[.)])\s+(.*)", line):
            lines.append(BREAK + match[2])
        else:
            lines.append(line)
        if line.endswith("::"):
            literal_indent = indent
    return mask_inline(re.sub(r":\w+:(?=`)", "", "\n".join(lines)))


def markdown_blocks(text: str) -> Iterator[Block]:
    """Yield the paragraphs, headings, list items and table cells of a Markdown text."""
    return make_blocks(mask_markdown(text))


def template_blocks(text: str) -> Iterator[Block]:
    """Yield the text between the tags of a template."""
    return make_blocks(mask_inline(mask_template(text)))


def comment_blocks(text: str, marker: str = "#") -> Iterator[Block]:
    """Yield the comments of a file; comments on lines that follow each other are one block."""
    lines = []
    for line in text.split("\n"):
        before, found, comment = line.partition(f"{marker} ")
        whole_line = bool(found) and not before.strip()
        lines.append(comment if whole_line else BREAK + comment + BREAK if found and before.endswith(" ") else "")
    return make_blocks(mask_inline("\n".join(lines)))


def yaml_blocks(text: str) -> Iterator[Block]:
    """Yield the comments of a YAML file and the values of its keys `description`."""
    yield from comment_blocks(text)
    nodes = [yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == "description" and isinstance(value, yaml.ScalarNode):
                    yield from make_blocks(mask_inline(value.value), value.start_mark.line + 1)
                else:
                    nodes.append(value)


def python_blocks(text: str, messages: bool = True) -> Iterator[Block]:
    """Yield the docstrings and the comments of a Python file, and the texts that it prints if `messages`."""
    yield from _python_comments(text)
    tree = ast.parse(text)
    statements = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    docstrings = [node for node in statements if is_string(node)]
    for docstring in docstrings:
        yield from make_blocks(mask_docstring(str(docstring.value)), docstring.lineno)
    if messages:
        yield from _messages(tree, set(docstrings))


def is_string(node: ast.AST) -> TypeGuard[ast.Constant]:
    """Return whether a node is a plain string; a statement that is one is a docstring."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _python_comments(text: str) -> Iterator[Block]:
    lines = [BREAK] * (text.count("\n") + 1)
    for token in tokenize.generate_tokens(iter(text.splitlines(keepends=True)).__next__):
        if token.type == tokenize.COMMENT and not token.string.startswith(("#!", "# noqa", "# type:")):
            comment = re.sub(r"#\s*(noqa|type:|fmt:|pragma)\S*.*", "", token.string).strip("# ")
            alone = not token.line[: token.start[1]].strip()
            lines[token.start[0] - 1] = comment if alone else BREAK + comment + BREAK
    return make_blocks(mask_inline("\n".join(lines)))


def _messages(tree: ast.AST, skipped: set[ast.AST]) -> Iterator[Block]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped.update(node.values)
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else CODE for part in node.values)
        elif is_string(node) and node not in skipped:
            text = str(node.value)
        else:
            continue
        if len(re.findall(r"(?<!\S)[A-Za-z'(]+[,.:;)]?(?!\S)", text)) >= MESSAGE_WORDS:
            text = mask_inline(re.sub(r"(?<!\w)'[^' ]+'", CODE, text)).replace("\n", BREAK)
            yield from make_blocks(text, node.lineno)


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the prose of a file, according to its format."""
    readers: dict[str, Callable[[str], Iterable[Block]]] = {
        ".md": markdown_blocks,
        ".j2": template_blocks,
        ".rst": template_blocks,
        ".yaml": yaml_blocks,
        ".yml": yaml_blocks,
        ".smk": comment_blocks,
        ".toml": comment_blocks,
        ".css": lambda text: comment_blocks(text, "/*"),
        ".js": lambda text: comment_blocks(text, "//"),
        "": comment_blocks,
    }
    if path.suffix == ".py":
        return python_blocks(path.read_text(encoding="utf-8"), messages="tests" not in path.parts)
    if path.suffix in readers:
        return iter(readers[path.suffix](path.read_text(encoding="utf-8")))
    return iter(())  # a picture, for example


def project_files(root: Path) -> list[Path]:
    """List the files whose prose is checked."""
    paths = {path for pattern in SOURCES for path in root.glob(pattern) if path.is_file()}
    return sorted(path for path in paths if not path.relative_to(root).as_posix().startswith(GENERATED))


def main(arguments: list[str]) -> int:
    """Print the findings of the named files, or of the whole project."""
    rules = Rules(ROOT / "tools" / "prose.toml")
    files = [Path(argument).resolve() for argument in arguments] or project_files(ROOT)
    count = 0
    for path in files:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        findings = {finding for block in blocks_of(path) for finding in rules.check(block)}
        for finding in sorted(findings, key=lambda finding: (finding.line, finding.message)):
            print(f"{name}:{finding.line}: {finding.message} -> {finding.suggestion}")
        count += len(findings)
    if count:
        print(f"{count} findings")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
