"""Write the tables of docs/scorers.md from what is registered: all scorers of groundwork's own, and the instruction types.

python -m scripts.make_scorer_docs
"""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_type_hints

from groundwork.evaluate.following import all_instructions
from groundwork.evaluate.scorers import all_scorers

TARGET = Path(__file__).resolve().parent.parent / "docs" / "scorers.md"


def scorer_rows() -> Iterable[str]:
    """Name, what it needs, unit, settings and summary of each."""
    yield "| scorer | needs | unit | settings | what it is |"
    yield "|---|---|---|---|---|"
    for one in all_scorers():
        if one.is_own:
            needs = f"`{one.needs}`" if one.needs else ""
            yield f"| `{one.name}` | {needs} | {one.unit}, {one.better} | {settings(one.function)} | {cell(one.summary)} |"


def instruction_rows() -> Iterable[str]:
    """Type, arguments and meaning of each."""
    yield "| type | takes | what it asks |"
    yield "|---|---|---|"
    for one in all_instructions():
        takes = ", ".join(f"`{name}`" for name in one.arguments.__struct_fields__)
        yield f"| `{one.name}` | {takes} | {cell(one.summary)} |"


def settings(function: Callable[..., object]) -> str:
    """A scorer's settings with their defaults; those without one must be named."""
    taken = [one for one in inspect.signature(function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    get_type_hints(function)  # a setting whose type cannot be read could not be set
    return ", ".join(f"`{one.name}`" if one.default is one.empty else f"`{one.name} = {written(one.default)}`" for one in taken)


def written(value: object) -> str:
    """A default as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return (
        f'"{value}"'
        if isinstance(value, str)
        else "none"
        if value is None
        else f"{value:,}".replace(",", "_")
        if isinstance(value, int)
        else str(value)
    )


def cell(text: str) -> str:
    """Text that stands in a cell of a table."""
    return text.replace("|", "\\|")


TABLES = {"scorers": scorer_rows, "instructions": instruction_rows}


def render(text: str) -> str:
    """The document with its tables made anew, each between `<!-- made: NAME -->` and `<!-- end -->`."""
    for name, rows in TABLES.items():
        before, mark, rest = text.partition(f"<!-- made: {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not end:
            raise ValueError(f"docs/scorers.md has no place for the table of {name}")
        table = "\n".join(rows())
        text = f"{before}{mark}\n{table}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    TARGET.write_text(render(TARGET.read_text(encoding="utf-8")), encoding="utf-8")
    print(TARGET)
