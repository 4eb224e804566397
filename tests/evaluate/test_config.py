from pathlib import Path

import pytest

from groundwork.core.config import decode, parse_toml
from groundwork.core.errors import ConfigError
from groundwork.evaluate.config import GateSection, parse_requirement, parse_requirements
from groundwork.evaluate.scorers import find_scorers, metrics_of
from tests.evaluate.builders import OWN

METRICS = metrics_of(OWN) | metrics_of(find_scorers(("tokens.output",), root=Path()))


@pytest.mark.parametrize(
    ("text", "kind", "number", "relative"),
    [
        ("answer.correct not_inferior", "not_inferior", 0, False),
        ("abstention.right >= 0.9", "at_least", 0.9, False),
        ("latency.p95 <= 800ms", "at_most", 0.8, False),
        ("latency.p50 <= 1.5 s", "at_most", 1.5, False),
        ("cost <= 0.01 USD", "at_most", 0.01, False),
        ("tokens.output <= 400", "at_most", 400, False),
        ("tokens.output <= 400 tokens", "at_most", 400, False),
        ("cost <= 1.1 * current", "at_most", 1.1, True),
        ("latency.p95<=1.2*current".replace("<=", " <= "), "at_most", 1.2, True),
    ],
)
def test_requirements_are_read(text: str, kind: str, number: float, relative: bool) -> None:
    requirement = parse_requirement(text, METRICS)
    assert (requirement.kind, requirement.number, requirement.relative) == (kind, number, relative)
    assert requirement.metric.name == text.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("text", "says", "fix"),
    [
        ("answer.corect not_inferior", "unknown metric `answer.corect`", "`answer.correct`"),
        ("latency <= 1s", "unknown metric `latency`", "`latency.p"),
        ("answer.correct not_inferor", "cannot read", "`not_inferior`"),
        ("answer.correct", "cannot read", "METRIC <= NUMBER"),
        ("answer.correct == 1", "cannot read", "METRIC <= NUMBER"),
        ("answer.correct >= 90", "is a share", "0 to 1"),
        ("answer.correct >= 0.9 s", "is a share", "0 to 1"),
        ("latency.p95 <= 800", "needs a unit", "800ms"),
        ("latency.p95 <= 1 USD", "needs a unit", "800ms"),
        ("cost <= 1", "needs a unit", "0.01 USD"),
        ("tokens.output <= 4 USD", "measured in tokens", "4 tokens"),
        ("cost <= 1.1 USD * current", "no unit", "1.1 * current"),
        ("latency.p50 not_inferior", "measured in s", "1.1 * current"),
    ],
)
def test_a_requirement_that_cannot_be_read_says_how_to_write_it(text: str, says: str, fix: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_requirement(text, METRICS, "groundwork.toml:7")
    assert error.value.where == "groundwork.toml:7"
    assert says in str(error.value)
    assert fix in error.value.fix


def test_the_section_has_its_defaults_and_refuses_what_cannot_be_tested() -> None:
    section = decode(parse_toml('suite = "suites/helpdesk.toml"', "g.toml"), GateSection)
    assert (section.margin, section.split) == (0.05, "report")
    assert [requirement.text for requirement in parse_requirements(section, METRICS)] == ["answer.correct not_inferior"]
    for wrong in ("margin = 0", "margin = 1", "require = []"):
        with pytest.raises(ConfigError):
            decode(parse_toml(f'suite = "s.toml"\n{wrong}', "g.toml"), GateSection)
