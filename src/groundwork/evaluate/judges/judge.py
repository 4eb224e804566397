"""What a judge is: rubric, model, sampling and form of the verdict, under one id. Its file is read in `file.py`.

The id is the hash of everything that can move a verdict: scores given under two ids are not comparable.
"""

from typing import Any, Literal

import msgspec

from groundwork.core.config import Section
from groundwork.core.ids import canonical, content_id
from groundwork.core.units import Duration
from groundwork.prompts.front_matter import HintsSection, Prompt

INPUTS = ("question", "answer", "context", "reference", "answer_a", "answer_b")
"""What a judge may see. `context`: what the answer must rest on."""
PAIR = ("answer_a", "answer_b")
WIDEST = 10
"""Points of the widest scale: models, like people, tell few apart reliably."""
PROTOCOL = "1"
"""Part of every id; changes where `ask.py` words its rules or reads verdicts in another way."""

Kind = Literal["pointwise", "reference", "pairwise", "criteria"]
Form = Literal["json", "last_line"]


class ShotSection(Section, frozen=True, kw_only=True):
    """A judged example: its inputs, the right verdict, and why."""

    inputs: dict[str, str]
    verdict: Any
    reason: str


class FloorSection(Section, frozen=True, kw_only=True):
    """What the calibration of a judge must show before a gate believes it, each decided by the interval's nearer bound."""

    kappa: float | None = None
    agreement: float | None = None
    consistency: float | None = None
    """Share of pairs judged alike in both orders; pairwise judges only."""
    unparseable: float | None = None
    """At most this share of verdicts cannot be read."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} = {value:g} is no share: write a number from 0 to 1")

    @property
    def asked(self) -> dict[str, float]:
        """What it asks for, by name."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}


class JudgeMatter(Section, frozen=True, kw_only=True):
    """What a judge's file says of itself. `scale`, `labels` or `criteria`, by its kind; a pairwise judge has none of them."""

    description: str
    kind: Kind = "pointwise"
    inputs: tuple[str, ...] = ("question", "answer")
    better: Literal["higher", "lower"] = "higher"
    model: str = "judge"
    family: str = ""
    """Of the model that judges (`llama`): answers whose candidate's name holds it are the judge's own kind."""
    scale: dict[str, str] = {}
    labels: dict[str, float] = {}
    criteria: dict[str, str] = {}
    ties: bool = True
    form: Form = "json"
    native: bool = False
    """Ask the provider to enforce the verdict's JSON Schema; what comes is checked all the same."""
    sampling: HintsSection = HintsSection()
    examples: tuple[ShotSection, ...] = ()
    floor: FloorSection = FloorSection()
    timeout: Duration = Duration(60.0, "60s")


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """A judge as read. `prompt` holds its templates and how it samples."""

    id: str
    name: str
    text: str
    """Of its file, whole."""
    description: str
    kind: Kind
    better: Literal["higher", "lower"]
    model: str
    family: str
    inputs: tuple[str, ...]
    points: dict[int, str]
    """Every point of the scale, lowest first; those without an anchor have an empty text. Empty where it gives no points."""
    labels: dict[str, float]
    """What each label is worth, from 0 to 1."""
    criteria: dict[str, str]
    ties: bool
    form: Form
    native: bool
    prompt: Prompt
    examples: tuple[ShotSection, ...]
    floor: FloorSection
    seconds: float
    origin: str = ""
    """Where it stands: `packaged`, or its file."""

    @property
    def is_pairwise(self) -> bool:
        return self.kind == "pairwise"

    @property
    def is_ordered(self) -> bool:
        """Whether its verdicts are points of a scale, where a near miss is better than a far one."""
        return bool(self.points)

    def with_model(self, model: str = "", sampling: HintsSection | None = None) -> "Judge":
        """The same rubric asked of another model, or sampled in another way: another judge, with an id of its own."""
        prompt = self.prompt if sampling is None else msgspec.structs.replace(self.prompt, model=sampling)
        return identified(msgspec.structs.replace(self, model=model or self.model, prompt=prompt))


def identified(judge: Judge) -> Judge:
    """The judge with its id: the hash of model, templates, sampling, scale, form and examples. Its floor and description move no verdict."""
    parts = {
        "protocol": PROTOCOL,
        "kind": judge.kind,
        "model": judge.model,
        "system": judge.prompt.system,
        "user": judge.prompt.user,
        "sampling": judge.prompt.model,
        "points": list(judge.points.items()),
        "labels": list(judge.labels.items()),
        "criteria": list(judge.criteria.items()),
        "ties": judge.ties,
        "form": [judge.form, judge.native],
        "examples": judge.examples,
    }
    return msgspec.structs.replace(judge, id=content_id("jd", canonical(parts)))
