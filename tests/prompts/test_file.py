from pathlib import Path

import pytest

from groundwork.core.errors import ConfigError
from groundwork.prompts.file import environment, parse_prompt, read_prompt

WHOLE = """\
+++
description = "Answers."
inputs = ["question", "sources"]
+++
# system
Answer.

# user

{% for source in sources %}{{ source }}{% endfor %}
{{ question }}
"""


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(ConfigError) as error:
        parse_prompt(text, "p", "p.prompt.md")
    return str(error.value), error.value.fix


def test_a_whole_prompt() -> None:
    prompt = parse_prompt(WHOLE, "p", "p.prompt.md")
    assert (prompt.name, prompt.description, prompt.inputs) == ("p", "Answers.", ("question", "sources"))
    assert prompt.system == "Answer."
    assert prompt.user == "{% for source in sources %}{{ source }}{% endfor %}\n{{ question }}"
    assert prompt.text == WHOLE


@pytest.mark.parametrize(
    ("text", "system", "user"),
    [
        ("{{ question }}\n", "", "{{ question }}"),
        ("# user\n{{ question }}", "", "{{ question }}"),
        ("# user\nA\n# system\nB\n", "B", "A"),
        ("+++\n+++\n\nHello {{ question }}\n", "", "Hello {{ question }}"),
        ("# user\n# users\n## user\n # user\n", "", "# users\n## user\n # user"),
        ("\n\n# system  \nB\n# user\t\n  A\n\n", "B", "  A"),
        ("+++ \ninputs = []\n+++\t\nA", "", "A"),
        ("# user\n+++\n", "", "+++"),
    ],
)
def test_sections(text: str, system: str, user: str) -> None:
    prompt = parse_prompt(text, "p", "p")
    assert (prompt.system, prompt.user) == (system, user)


def test_the_name_of_a_prompt_is_its_content() -> None:
    prompt = parse_prompt(WHOLE, "p", "p")
    assert prompt.id == parse_prompt(WHOLE, "other", "elsewhere").id
    assert prompt.id == parse_prompt("\ufeff" + WHOLE.replace("\n", "\r\n"), "p", "p").id, "an editor's line ends make no other prompt"
    assert prompt.id != parse_prompt(WHOLE.replace("Answer.", "Answer,"), "p", "p").id
    assert prompt.id.startswith("pr_")


@pytest.mark.parametrize(
    ("text", "says", "fix"),
    [
        ('+++\ninputs = ["question"]\n', ":1: the front matter is not closed", "`+++`"),
        ("+++ x\n+++\n+++\nA", ":1: the front matter opens with more", "a line of its own"),
        ("+++\ninputs =\n+++\nA", ":2: not valid TOML", "correct the line"),
        ('+++\n\ninput = ["a"]\n+++\nA', ":3: unknown key `input`", "did you mean `inputs`?"),
        ("+++\ninputs = 'question'\n+++\nA", ":2: `inputs` must be a list", "brackets"),
        ("# system\nA\n", ":1: there is no `# user` section", "add `# user`"),
        ("+++\n+++\n# user\nA\n\n# user\nB", ":6: a second `# user` section", "keep one"),
        ("+++\n+++\n\nBe kind.\n# user\nA", ":4: text before `# user` belongs to no section", "move it below"),
        ("# user\n\n\nA\n{{ question", ":5: in `# user`:", "Jinja2"),
        ("+++\n+++\n{% for x in question %}", ":3: in `# user`:", "Jinja2"),
        ("# system\nA\n# user\nB\n\n{{ question | uper }}", ":6: in `# user`: No filter named 'uper'", "Jinja2"),
        ("# user\n{% if question is odder %}{% endif %}", ":2: unknown test in `# user`: `odder`", "did you mean `odd`?"),
        ("# user\n{% if question %}\n{{ question | uper }}{% endif %}", ":3: unknown filter in `# user`: `uper`", "did you mean `upper`?"),
        ("# user\nA\n{{ question }}\n{{ qestion }}", ":4: unknown input in `# user`: `qestion`", "did you mean `question`?"),
        ("# system\n\n{{ name }}\n# user\nB", ":3: unknown input in `# system`: `name`", "known: question"),
        ("+++\ninputs = ['a']\n+++\n# user\n{{ a }}{{ b.c }}", ":5: unknown input in `# user`: `b`", "known: a"),
        ("# user\n\n{% include 'x' %}", ":3: in `# user`: a prompt stands alone", "write out"),
        ("{% extends 'x' %}", ":1: in `# user`: a prompt stands alone", "write out"),
        ("# user\n{% filter upper %}{{ question }}{% endfilter %}", ":2: in `# user`: a filter around a block", "filter each value"),
        ("# user\n\0", ": a prompt holds no NUL characters", "plain text"),
    ],
)
def test_what_would_fail_later_is_refused_with_its_line(text: str, says: str, fix: str) -> None:
    what, how = refused(text)
    assert what.startswith(f"p.prompt.md{says}")
    assert fix in how


@pytest.mark.parametrize(
    "text",
    [
        "{% set name = question %}{{ name }}",
        "{% for item in question %}{{ loop.index }}{{ item }}{% else %}{{ range(3) }}{% endfor %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(question) }}",
        "{% raw %}{{ anything }}{% endraw %}{# {{ nothing }} #}",
        "{% set seen = namespace(n=0) %}{% set seen.n = 1 %}{{ seen.n }}",
    ],
)
def test_names_of_the_templates_own_are_no_inputs(text: str) -> None:
    assert parse_prompt(text, "p", "p").user == text


def test_a_prompt_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "answer.prompt.md").write_text("# user\n{{ qestion }}")
    (folder / "latin.prompt.md").write_bytes("é".encode("latin-1"))
    (folder / "good.prompt.md").write_text(WHOLE)
    assert read_prompt(folder, "good").id == parse_prompt(WHOLE, "good", "x").id
    with pytest.raises(ConfigError, match=r"^prompts/answer.prompt.md:2: unknown input"):
        read_prompt(folder, "answer")
    with pytest.raises(ConfigError, match=r"^latin.prompt.md: not UTF-8 \(byte 0\)"):
        read_prompt(folder, "latin")
    with pytest.raises(ConfigError) as error:
        read_prompt(folder, "anser", named_at="groundwork.toml:3")
    assert str(error.value) == "groundwork.toml:3: unknown prompt `anser`: anser.prompt.md is not in prompts/"
    assert error.value.fix == "did you mean `answer`?"


@pytest.mark.parametrize(
    "template", ["{{ ''.__class__ }}", "{{ x.__init__ }}", "{{ x.append(1) }}", "{{ range(10**9) }}", "{{ '{0.__class__}'.format(x) }}"]
)
def test_templates_reach_no_internals(template: str) -> None:
    with pytest.raises((RuntimeError, OverflowError, TypeError, Exception), match=r"(?i)unsafe|undefined|attribute|range|not safely"):
        environment().from_string(template).render(x=[1])
