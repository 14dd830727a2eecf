import importlib.util
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "lint_prose.py"


@pytest.fixture(scope="module")
def lint_prose():
    spec = importlib.util.spec_from_file_location("lint_prose", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules["lint_prose"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["lint_prose"]


@pytest.fixture(scope="module")
def findings(lint_prose, tmp_path_factory):
    rules = lint_prose.Rules(TOOL.with_name("prose.toml"))
    folder = tmp_path_factory.mktemp("prose")

    def check(name, text):
        path = folder / name
        path.write_text(text)
        return sorted(
            (finding.line, finding.message) for block in lint_prose.blocks_of(path) for finding in rules.check(block)
        )

    return check


LONG = "word " * 31 + "end."


@pytest.mark.parametrize(
    "sentence",
    [
        "You mend it.",
        "Read it anew.",
        "It stops, for it is late.",
        "The file says so.",
        "The path is no file.",
        "Its colour.",
    ],
)
def test_words_to_avoid_are_found(findings, sentence):
    assert len(findings("page.md", sentence + "\n")) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "You amend the table.",
        "There is no file.",
        "Use `colour` here.",
        "[a page](mend.md)",
        "Wait, for example, here.",
    ],
)
def test_words_that_only_look_alike_are_not_found(findings, sentence):
    assert findings("page.md", sentence + "\n") == []


def test_a_sentence_over_lines_is_counted_as_one_and_found_where_it_starts(findings):
    text = "# Title\n\nA short one. " + "Several words\n" * 16 + "end it.\n"
    assert findings("page.md", text) == [(3, '34 words in "Several words Several words Several ..."')]


def test_code_blocks_and_addresses_are_left_out_of_markdown(findings):
    assert findings("page.md", f"```sh\n{LONG}\nmend anew\n```\n\n<https://example.org/mend>\n") == []


def test_the_cells_of_a_table_are_sentences_of_their_own(findings):
    half = "word " * 20
    assert findings("page.md", f"| {half}| {half}|\n|---|---|\n| {half}| mend |\n") == [(3, '"mend"')]


def test_the_items_of_a_list_are_sentences_of_their_own(findings):
    assert findings("page.md", f"- {'word ' * 20}\n- {'word ' * 20}\n") == []


def test_descriptions_in_a_schema_are_checked_and_other_values_are_not(findings):
    text = "# A comment.\ntype: object\ndefault: mend anew\nproperties:\n  a:\n    description: Mend the table.\n"
    assert findings("a.schema.yaml", text) == [(6, '"Mend"')]


def test_docstrings_are_checked_with_their_parameters_but_not_types_and_examples(findings):
    text = '''
def function(value):
    """Count words.

    Parameters
    ----------
    mend : int
        Mend the value.

    Examples
    --------
    >>> mend(anew)
    """
'''
    assert findings("module.py", text) == [(8, '"Mend"')]


def test_comments_and_messages_of_python_files_are_checked(findings):
    text = 'name = "mend"\n# Mend it.\nraise ValueError(f"{name} is wrong: you must mend it")\n'
    assert findings("module.py", text) == [(2, '"Mend"'), (3, '"mend"')]


def test_the_text_between_the_tags_of_a_template_is_checked(findings):
    text = "<style>\n.mend { color: grey }\n</style>\n<p class='mend'>One {{ mend }} and\n<b>mend</b> it.</p>\n"
    assert findings("page.html.j2", text) == [(5, '"mend"')]


def test_branches_of_a_template_do_not_add_up_to_one_sentence(findings):
    half = "word " * 20
    assert findings("page.html.j2", f"<p>{{% if a %}}{half}{{% else %}}{half}{{% endif %}}</p>") == []


def test_findings_name_the_file_the_line_and_a_suggestion(lint_prose, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Fine.\n\nMend it.\n")
    assert lint_prose.main([str(page)]) == 1
    assert f'{page}:3: "Mend" -> fix' in capsys.readouterr().out


def test_text_without_findings_exits_with_zero(lint_prose, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("Fix it.\n")
    assert lint_prose.main([str(page)]) == 0
    assert capsys.readouterr().out == ""
