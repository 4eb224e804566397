"""Suites as tests of pytest: a test fails unless the interval says that what is required holds.

    @pytest.mark.groundwork("suites/quiz.toml", require=["answer.correct >= 0.8"], target="mybot:answer")
    def test_the_bot_knows_its_quiz(): ...

    def test_the_bot(groundwork_eval):
        checked = groundwork_eval("suites/quiz.toml", target=answer, require=["answer.correct >= 0.8"])
        assert checked.run.statuses == {"ok": 40}

Nothing of groundwork is imported before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from groundwork.loop.check import Checked

MARKER = "groundwork"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", f"{MARKER}(suite, require=[...], target=..., model=..., split=..., repeats=..., app=...): evaluate a suite, and require"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Evaluate the suite of a marked test before its body runs."""
    for marker in item.iter_markers(MARKER):
        _check(item, *marker.args, **marker.kwargs)


@pytest.fixture
def groundwork_eval(request: pytest.FixtureRequest) -> Callable[..., Checked]:
    """A function that evaluates a suite and fails the test unless what is required holds; it takes what the marker takes."""

    def evaluate(suite: str | Path, **more: Any) -> Checked:
        return _check(request.node, suite, **more)

    return evaluate


def _check(item: pytest.Item, suite: str | Path, *, require: Sequence[str] = (), app: str | Path = "", **more: Any) -> Checked:
    from groundwork.app.library import run
    from groundwork.core.errors import GroundworkError
    from groundwork.loop.check import check_suite, root_of

    path = _found(item, Path(suite))
    root = (item.config.rootpath / app) if app else root_of(path, item.config.rootpath)
    try:
        checked = run(check_suite(path, root, require=require, **more))
    except GroundworkError as error:
        pytest.fail(f"{error}\nfix: {error.fix}", pytrace=False)
    told = [
        f"{name} {figure.value:.4g} [{figure.low:.4g}, {figure.high:.4g}] n = {figure.n}" for name, figure in checked.run.metrics.items()
    ]
    item.add_report_section("call", "groundwork", "\n".join([f"{checked.run.id} of {checked.run.target}", *told, *checked.sentences]))
    item.user_properties.extend((name, figure.value) for name, figure in checked.run.metrics.items())
    if not checked.passed:
        failed = [sentence for sentence in checked.sentences if not sentence.startswith("pass")]
        pytest.fail("\n".join([*failed, f"(groundwork show {checked.run.id})"]), pytrace=False)
    return checked


def _found(item: pytest.Item, suite: Path) -> Path:
    """A suite beside the test, or from where pytest runs."""
    beside = item.path.parent / suite
    return beside if beside.is_file() else item.config.rootpath / suite
