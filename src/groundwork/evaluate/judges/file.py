"""A judge's file, `NAME.judge.md`: TOML front matter between `+++` lines, then `# system` and `# user` as in a prompt file.

    +++
    description = "Does the answer say only what the context holds?"
    inputs = ["question", "answer", "context"]
    model = "judge"                      # an alias of [models]
    sampling = { temperature = 0.0, max_tokens = 500 }
    floor = { kappa = 0.6 }              # a gate refuses it below this
    [scale]
    1 = "Most statements have no support."
    5 = "Every statement is held by the context."
    +++
    # system
    Judge whether the answer …
    # user
    {{ context }} {{ question }} {{ answer }}

The rules of the scale, the form of the verdict and the warning that what is judged is data are added when it is asked (`ask.py`): a judge's
file holds the criterion alone. Its id is the hash of everything that can move a verdict, so scores of two ids are not comparable.
"""

import re

import msgspec

from groundwork.core.config import Written, decode, parse_toml, unknown
from groundwork.core.errors import ConfigError
from groundwork.evaluate.judges.judge import INPUTS, PAIR, WIDEST, Judge, JudgeMatter, Kind, identified
from groundwork.evaluate.judges.verdict import check, choices
from groundwork.prompts.file import parse_prompt

SUFFIX = ".judge.md"
_FENCE = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def parse_judge(text: str, name: str, where: str, origin: str = "") -> Judge:
    """Read a judge from its text. Raises ConfigError with file:line for everything that would only fail when it is asked."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    fences = list(_FENCE.finditer(text))
    if len(fences) < 2 or fences[0].start():
        raise ConfigError("a judge's file begins with front matter", where=f"{where}:1", fix="put it between two lines of `+++`")
    written = parse_toml("\n" + text[fences[0].end() + 1 : fences[1].start()], where)
    matter = decode(written, JudgeMatter)
    _check(matter, written)
    names = ", ".join(f'"{one}"' for one in matter.inputs)
    lines = "\n" * (text.count("\n", 0, fences[1].start()) - 1)  # so that errors in the templates name the file's own lines
    prompt = parse_prompt(f"+++\ninputs = [{names}]{lines}+++{text[fences[1].end() :]}", name, where)
    judge = identified(
        Judge(
            id="",
            name=name,
            text=text,
            description=matter.description,
            kind=matter.kind,
            better=matter.better,
            model=matter.model,
            family=matter.family,
            inputs=matter.inputs,
            points=_points(matter, written),
            labels=matter.labels,
            criteria=matter.criteria,
            ties=matter.ties,
            form=matter.form,
            native=matter.native,
            prompt=msgspec.structs.replace(prompt, model=matter.sampling),
            examples=matter.examples,
            floor=matter.floor,
            seconds=matter.timeout.seconds,
            origin=origin or where,
        )
    )
    _check_examples(judge, written)
    return judge


def _points(matter: JudgeMatter, written: Written) -> dict[int, str]:
    anchors: dict[int, str] = {}
    for key, text in matter.scale.items():
        if not re.fullmatch(r"-?\d{1,3}", key):
            where = written.where(("scale", key))
            raise ConfigError(f"`scale.{key}` is no whole number", where=where, fix="name points by whole numbers, or use [labels]")
        anchors[int(key)] = text
    if not anchors:
        return {}
    low, high = min(anchors), max(anchors)
    if not 1 <= high - low < WIDEST:
        where = written.where(("scale",))
        raise ConfigError(f"a scale from {low} to {high}", where=where, fix=f"give 2 to {WIDEST} points, such as 1 to 5")
    return {point: anchors.get(point, "") for point in range(low, high + 1)}


_HAS: dict[Kind, tuple[str, ...]] = {
    "pointwise": ("scale", "labels"),
    "reference": ("scale", "labels"),
    "criteria": ("criteria",),
    "pairwise": (),
}


def _check(matter: JudgeMatter, written: Written) -> None:
    for place, name in enumerate(matter.inputs):
        if name not in INPUTS:
            raise unknown("input", name, INPUTS, written.where(("inputs", place)))
    given = [name for name in ("scale", "labels", "criteria") if getattr(matter, name)]
    allowed = _HAS[matter.kind]
    where = written.where(("kind",))
    if len(given) != bool(allowed) or not set(given) <= set(allowed):
        wanted = " or ".join(f"[{name}]" for name in allowed) or "neither [scale], [labels] nor [criteria]"
        found = " and ".join(f"[{name}]" for name in given) or "none"
        raise ConfigError(f"a {matter.kind} judge needs {wanted}, and has {found}", where=where, fix="name one way to say the verdict")
    needs = PAIR if matter.kind == "pairwise" else ("answer", "reference") if matter.kind == "reference" else ("answer",)
    missing = [name for name in needs if name not in matter.inputs]
    if missing:
        raise ConfigError(
            f"a {matter.kind} judge needs the input `{missing[0]}`", where=written.where(("inputs",)), fix=f'add "{missing[0]}" to inputs'
        )
    _check_names(matter, written)
    if matter.form == "last_line" and matter.kind == "criteria":
        raise ConfigError("one last line cannot hold several criteria", where=written.where(("form",)), fix='write form = "json"')
    if matter.kind != "pairwise" and matter.floor.consistency is not None:
        raise ConfigError(
            "only a pairwise judge has two orders", where=written.where(("floor", "consistency")), fix="remove `consistency` from the floor"
        )


def _check_names(matter: JudgeMatter, written: Written) -> None:
    """Labels and criteria: names that a model can repeat, worth 0 to 1, two labels at least."""
    for section, names in (("labels", matter.labels), ("criteria", matter.criteria)):
        for name in names:
            if not _NAME.fullmatch(name):
                raise ConfigError(
                    f"`{name}` is no name",
                    where=written.where((section, name)),
                    fix="use letters, digits, `_` and `-`, such as `not_grounded`",
                )
    for name, worth in matter.labels.items():
        if not 0 <= worth <= 1:
            raise ConfigError(f"the label `{name}` is worth {worth:g}", where=written.where(("labels", name)), fix="give it 0 to 1")
    if matter.labels and len(set(matter.labels.values())) < 2:
        raise ConfigError("all labels are worth the same", where=written.where(("labels",)), fix="give two labels different worth")


def _check_examples(judge: Judge, written: Written) -> None:
    """Each example has the judge's inputs, and a verdict that the judge could give."""
    for place, shot in enumerate(judge.examples):
        where = written.where(("examples", place))
        if shot.inputs.keys() != set(judge.inputs):
            wanted = ", ".join(judge.inputs)
            raise ConfigError("an example needs the inputs that the judge has", where=where, fix=f"give inputs = {{ … }} with {wanted}")
        if check(judge, shot.verdict) != shot.verdict:
            allowed = ", ".join(str(one) for one in choices(judge)) or f"yes or no for {', '.join(judge.criteria)}"
            raise ConfigError(f"{shot.verdict!r} is no verdict of this judge", where=where, fix=f"give {allowed}")
