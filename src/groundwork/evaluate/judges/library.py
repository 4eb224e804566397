"""Where judges are found: `judges/NAME.judge.md` in the application's folder, else the packaged rubrics."""

from importlib import resources
from pathlib import Path

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError
from groundwork.evaluate.judges.file import SUFFIX, parse_judge
from groundwork.evaluate.judges.judge import Judge

FOLDER = "judges"
PACKAGED = "packaged"


def find_judge(name: str, root: Path, where: str = "") -> Judge:
    """The judge of this name. One in the application's folder stands before a packaged one. Raises ConfigError with a did-you-mean."""
    own = root / FOLDER / f"{name}{SUFFIX}"
    if own.is_file():
        try:
            text = own.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"not UTF-8 (byte {error.start})", where=f"{FOLDER}/{own.name}", fix="save it as UTF-8") from None
        return parse_judge(text, name, f"{FOLDER}/{own.name}")
    if name in packaged():
        return parse_judge(packaged_text(name), name, f"{name}{SUFFIX}", PACKAGED)
    raise unknown("judge", name, {*packaged(), *_own(root)}, where)


def all_judges(root: Path) -> list[Judge]:
    """Every judge that can be named here, by name."""
    return [find_judge(name, root) for name in sorted({*packaged(), *_own(root)})]


def packaged() -> tuple[str, ...]:
    """The names of the rubrics that come with groundwork."""
    files = resources.files("groundwork.evaluate.judges").joinpath("rubrics").iterdir()
    return tuple(sorted(file.name.removesuffix(SUFFIX) for file in files if file.name.endswith(SUFFIX)))


def packaged_text(name: str) -> str:
    """The text of a packaged rubric, to be copied and changed."""
    return resources.files("groundwork.evaluate.judges").joinpath("rubrics", f"{name}{SUFFIX}").read_text(encoding="utf-8")


def _own(root: Path) -> list[str]:
    return [path.name.removesuffix(SUFFIX) for path in (root / FOLDER).glob(f"*{SUFFIX}")]
