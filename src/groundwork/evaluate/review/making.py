"""A failure mode as something that is measured from then on: a scorer in the user's folder, its test cases, and a judge's file."""

import json
import keyword
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from groundwork.core.errors import InputError
from groundwork.core.measure import Example
from groundwork.core.text import shorten
from groundwork.evaluate.registry import Answered, find_scorers
from groundwork.evaluate.review.rules import Agreement, Read, Rule, agreement_of

SCORERS, JUDGES = "scorers", "judges"
_SHOWN = 8
_EXAMPLES = 3
_LENGTH = 300


class Made(NamedTuple):
    """Files that were written for a mode, and how a suite names its scorer."""

    files: tuple[Path, ...]
    use: str


def identifier_of(mode: str) -> str:
    """The mode as a Python name."""
    name = mode.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def write_scorer(root: Path, mode: str, rule: Rule, notes: Sequence[str], rows: Sequence[Read], *, overwrite: bool = False) -> Made:
    """Write `scorers/MODE.py`, a scorer by the rule, and `scorers/MODE.jsonl`, the answers it was made from.

    Raises InputError where the file stands there: it may hold a person's corrections.
    """
    name = identifier_of(mode)
    code, cases = root / SCORERS / f"{name}.py", root / SCORERS / f"{name}.jsonl"
    _check_free(code, root, overwrite=overwrite)
    code.parent.mkdir(parents=True, exist_ok=True)
    code.write_text(scorer_text(mode, rule, notes), encoding="utf-8")
    cases.write_text("".join(_case(one) for one in rows), encoding="utf-8")
    return Made((code, cases), f"{SCORERS}.{name}:{name}")


def write_judge(root: Path, mode: str, notes: Sequence[str], rows: Sequence[Read], *, model: str, overwrite: bool = False) -> Made:
    """Write `judges/MODE.judge.md`, which asks a model, and `judges/MODE.labels.jsonl`, to calibrate it against the notes."""
    file, labels = root / JUDGES / f"{mode}.judge.md", root / JUDGES / f"{mode}.labels.jsonl"
    _check_free(file, root, overwrite=overwrite)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(judge_text(mode, notes, rows, model), encoding="utf-8")
    lines = [
        {"id": one.item, "question": one.question, "answer": one.reply.text, "label": "shown" if one.shows else "absent"} for one in rows
    ]
    labels.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return Made((file, labels), f"judge:{mode}")


async def try_scorer(root: Path, use: str, rows: Sequence[Read]) -> Agreement:
    """The scorer as a suite would load it, over the answers that were read, held against the notes. Raises ConfigError where it does not load."""
    (one,) = find_scorers([use], root=root)
    scores = [
        await one.score(Answered(Example(id=row.item, question=row.question or row.item, answerable=True), row.reply, 0.0)) for row in rows
    ]
    return agreement_of([score.value == 1 for score in scores], [row.shows for row in rows])


def scorer_text(mode: str, rule: Rule, notes: Sequence[str]) -> str:
    """The scorer's source: what the notes said, the rule, and nothing hidden."""
    name = identifier_of(mode)
    different = _different(notes)
    said = "".join(f"- {note}\n" for note in different[:_SHOWN])
    more = f"- and {len(different) - _SHOWN} more\n" if len(different) > _SHOWN else ""
    uses_pattern = rule.kind in {"answer", "question"}
    imports = ("import re\n\n" if uses_pattern else "") + "from groundwork.evaluate.scorers import Answered, scorer\n"
    imports += "from groundwork.evaluate.scorers.facts import declined\n" if rule.kind in {"declined", "uncited"} else ""
    pattern = f"\nPATTERN = re.compile({rule.pattern.pattern!r}, re.IGNORECASE)\n" if uses_pattern else ""
    return (
        f'"""Does an answer show the failure mode `{mode}`? Made from notes by `groundwork review make {mode}`; correct it as you see fit.\n\n'
        f'Notes:\n{said}{more}"""\n\n{imports}{pattern}\n\n'
        f'@scorer("mode.{mode}", better="lower")\n'
        f"def {name}(answered: Answered) -> float:\n"
        f'    """1 where {rule.says}, else 0."""\n'
        f"    return float({rule.condition})\n"
    )


def judge_text(mode: str, notes: Sequence[str], rows: Sequence[Read], model: str) -> str:
    """A judge that says whether the mode is shown, with the notes as its criterion and some answers as examples."""
    criterion = "\n".join(f"- {note}" for note in _different(notes)[:_SHOWN]) or f"- {mode}"
    chosen = [*[one for one in rows if one.shows][:_EXAMPLES], *[one for one in rows if not one.shows][:1]]
    examples = "".join(
        "\n[[examples]]\n"
        f"inputs = {{ question = {_toml(one.question)}, answer = {_toml(one.reply.text)} }}\n"
        f"verdict = {_toml('shown' if one.shows else 'absent')}\n"
        f"reason = {_toml('as the notes say' if one.shows else 'none of the notes applies')}\n"
        for one in chosen
    )
    return (
        f'+++\ndescription = "Does the answer show the failure mode {mode}?"\ninputs = ["question", "answer"]\nbetter = "lower"\n'
        f"model = {_toml(model)}\nsampling = {{ temperature = 0.0, max_tokens = 300 }}\n\n[labels]\nabsent = 0.0\nshown = 1.0\n{examples}+++\n"
        "# system\nYou decide whether an answer shows one certain failure. People described it so, each line about another answer:\n\n"
        f"{_quoted(criterion)}\n\nOther faults do not count. Where you doubt, it is absent.\n\n"
        "# user\nQuestion: {{ question }}\n\nAnswer: {{ answer }}\n"
    )


def _check_free(path: Path, root: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise InputError(f"{path.relative_to(root)} stands there already", fix="keep it, or write it anew with --overwrite")


def _case(one: Read) -> str:
    row = {
        "id": one.item,
        "question": one.question,
        "answer": one.reply.text,
        "cited": bool(one.reply.citations),
        "abstained": one.reply.abstained,
        "shows": one.shows,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _different(notes: Sequence[str]) -> list[str]:
    """What the notes say, each once, most frequent first."""
    return [note for note, _ in Counter(_plain(note) for note in notes).most_common()]


def _plain(note: str) -> str:
    """A note on one line that cannot end a docstring or a template."""
    return shorten(note.replace("\\", "/").replace('"""', "'''"), _LENGTH).rstrip('"')


def _quoted(text: str) -> str:
    """Text for a template: nothing in it is an expression."""
    return "{% raw %}" + text.replace("{% endraw %}", "") + "{% endraw %}"


def _toml(text: str) -> str:
    return json.dumps("".join(one for one in shorten(text, _LENGTH) if one.isprintable()), ensure_ascii=False)
