"""Does the calibration of judges find what is known to be wrong with public judges, and does it leave fair ones alone?

    python -m benchmarks.judges [--quick] [--data FOLDER]

Known defects are named below, each with the finding that must say so; the calibration gets raw records only (labels, verdicts, lengths, who wrote
what, kinds of items) and knows nothing of them. They were published, or counted from the records without it. `--data` (or $GROUNDWORK_DATA) names a folder with `evaluation/llmbar_items.jsonl.gz`,
`llmbar_judge_verdicts.jsonl.gz`, `pandalm_human_pairs.jsonl.gz`, `alpacaeval2_preferences.jsonl.gz` and `frank_metrics_vs_human.jsonl.gz`; without
it, the excerpt of LLMBar in tests/data is all there is.

Clean controls: people held against people (PandaLM), recorded judges with the lengths of each pair shuffled (no length leaning can be left), and
simulated judges over the same items, as exact as the recorded ones, whose errors are coins. `false_alarms` counts alarms about people and shuffled
lengths; `false_alarm_rate` is the share of simulated judges with any finding of bias, which may be 0.01.
"""

import argparse
import gzip
import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.report import begin, report
from groundwork.core import statistics
from groundwork.evaluate.judges.calibrate import Calibration, Reported, calibrate
from groundwork.evaluate.judges.labels import Rated, majority, rated, read_labels, read_verdicts
from groundwork.evaluate.judges.library import find_judge

ROOT = Path(__file__).resolve().parent.parent
EXCERPT = ROOT / "tests" / "data" / "judges"
JUDGE = find_judge("preference", ROOT)
BIASES = {"position", "length", "candidate", "own_kind", "slice", "unparseable", "lenient", "miscomputed"}
SIDES = {"1": "A", "2": "B", "Tie": "tie", "0": "tie"}
ANNOTATORS = ("annotator1", "annotator2", "annotator3")
PANDA = ("gpt35_verdict", "pandalm7b_verdict")
PUBLISHED_KAPPA, PUBLISHED_AGREEMENT = 0.195, 0.78
"""Published with LLMBar, one beside the other."""

Records = Mapping[tuple[str, str], Sequence[Rated]]
"""By data set, and by judge with its prompt."""
Calibrated = Mapping[tuple[str, str], Calibration]


class Defect(NamedTuple):
    """A known defect: among whose records it must be found (`judge` is the beginning of a name), and the finding that says it."""

    name: str
    data: str
    judge: str
    kind: str
    says: tuple[str, ...]
    every: bool = True
    """Under each prompt of this judge, not only one of them."""


ADVERSARIAL = "LLMBar/Adversarial/Neighbor"
DEFECTS = (
    Defect("ChatGPT prefers length", "llmbar", "ChatGPT ", "length", ("prefers the longer",)),
    Defect("ChatGPT of March prefers length", "llmbar", "ChatGPT-0301 ", "length", ("prefers the longer",)),
    Defect("LLaMA2 prefers length", "llmbar", "LLaMA2 ", "length", ("prefers the longer",)),
    Defect("Falcon picks the first", "llmbar", "Falcon ", "position", ("picks the first",)),
    Defect(
        "Falcon picks the first in 78 % (plain prompt)", "llmbar", "Falcon Vanilla", "position", ("the first answer in 78 %",), every=False
    ),
    Defect("ChatGPT picks the first", "llmbar", "ChatGPT Vanilla_NoRules", "position", ("picks the first",)),
    Defect("PaLM2 picks the first", "llmbar", "PaLM2 CoT", "position", ("picks the first",)),
    Defect("GPT-4 asked for ratings picks the second", "llmbar", "GPT-4 Rating", "position", ("picks the second",)),
    Defect("LLaMA2 asked twice picks the second", "llmbar", "LLaMA2 Swap_CoT", "position", ("picks the second",)),
    Defect("ChatGPT is worse than a coin on adversarial pairs", "llmbar", "ChatGPT ", "slice", (ADVERSARIAL, "worse than a coin")),
    Defect("LLaMA2 is worse than a coin on adversarial pairs", "llmbar", "LLaMA2 ", "slice", (ADVERSARIAL, "coin"), every=False),
    Defect("GPT-4 cannot reckon in base 9", "llmbar", "GPT-4 CoT", "slice", ("CaseStudy/Base_9", "worse than a coin")),
    Defect("ChatGPT agrees less than by chance", "llmbar", "ChatGPT Swap", "below_chance", ("less than by chance",)),
    Defect("PaLM2 gives unreadable verdicts", "llmbar", "PaLM2 Vanilla_NoRules", "unparseable", ("no verdict that could be read",)),
    Defect("25 of 999 verdicts of GPT-3.5 are unreadable", "pandalm", "gpt35_verdict", "unparseable", ("25 of 999 items",)),
    Defect("GPT-3.5 agrees less than people do", "pandalm", "gpt35_verdict", "below_people", ("among themselves",)),
    Defect("PandaLM agrees less than people do", "pandalm", "pandalm7b_verdict", "below_people", ("among themselves",)),
)
IN_EXCERPT = (
    Defect("excerpt: ChatGPT prefers length", "excerpt", "ChatGPT", "length", ("prefers the longer",)),
    Defect("excerpt: ChatGPT picks the first", "excerpt", "ChatGPT", "position", ("picks the first",)),
    Defect("excerpt: ChatGPT is worse than a coin on adversarial pairs", "excerpt", "ChatGPT", "slice", ("GPTInst", "worse than a coin")),
)


# -- records


def lines(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def llmbar(folder: Path) -> Records:
    """Every judge under every prompt, in both orders."""
    items = {(one["subset"], one["i"]): one for one in lines(folder / "llmbar_items.jsonl.gz")}
    found: dict[tuple[str, str], list[Rated]] = {}
    for subset, number, judge, prompt, given, swapped in lines(folder / "llmbar_judge_verdicts.jsonl.gz"):
        item = items[subset, number]
        verdicts = tuple(SIDES.get(str(one)) for one in (given, swapped))
        one = Rated(
            f"{subset}/{number}",
            SIDES[str(item["label"])],
            {},
            verdicts,
            (len(item["output_1"]), len(item["output_2"])),
            (),
            {"subset": subset},
        )
        found.setdefault(("llmbar", f"{judge} {prompt}"), []).append(one)
    return found


def pandalm(folder: Path, judge: str, annotators: Sequence[str]) -> list[Rated]:
    """One judge (or one annotator) held against annotators."""
    found: list[Rated] = []
    for one in lines(folder / "pandalm_human_pairs.jsonl.gz"):
        humans = {name: SIDES[str(one[name])] for name in annotators}
        lengths = (len(str(one["response1"])), len(str(one["response2"])))
        names = tuple(one["cmp_key"].split("_"))
        found.append(Rated(str(one["idx"]), majority([*humans.values()]), humans, (SIDES.get(str(one[judge])),), lengths, names))
    return found


def excerpt() -> Records:
    labels, verdicts = read_labels(EXCERPT / "llmbar.labels.jsonl", JUDGE), read_verdicts(EXCERPT / "llmbar.verdicts.jsonl", JUDGE)
    return {("excerpt", "ChatGPT"): rated(JUDGE, labels, verdicts)}


# -- defects


def is_found(defect: Defect, calibrated: Calibrated) -> bool:
    hits = [
        any(one.kind == defect.kind and all(text in one.sentence for text in defect.says) for one in found.findings)
        for (data, judge), found in calibrated.items()
        if data == defect.data and judge.startswith(defect.judge)
    ]
    return bool(hits) and (all(hits) if defect.every else any(hits))


def filtering(calibrated: Calibrated) -> dict[str, bool]:
    """Verdicts that stand in both orders: worth 6 to 17 points on ordinary pairs, and no rescue on adversarial ones."""
    ordinary = {judge: one for (_, judge), found in calibrated.items() for one in found.slices if one.value == "Processed/MT-Bench"}
    gains = [one.standing.value - one.agreement.value for one in ordinary.values() if one.standing is not None]
    biased = [
        one.standing
        for (_, judge), found in calibrated.items()
        for one in found.slices
        if judge in {"ChatGPT Vanilla_NoRules", "LLaMA2 Vanilla_NoRules"} and one.value == ADVERSARIAL and one.standing is not None
    ]
    return {
        "verdicts that stand in both orders agree 6 to 17 points more (MT-Bench)": bool(gains)
        and all(0.055 <= gain <= 0.175 for gain in gains),
        "they do not rescue a biased judge on adversarial pairs": bool(biased) and all(one.high < 0.5 for one in biased),
    }


def published(records: Records) -> dict[str, bool]:
    """The published kappa beside an agreement of 0.78: over the records with that agreement, only the published one rings the bell."""
    for items in records.values():
        natural = [item._replace(verdicts=item.verdicts[1:]) for item in items if item.metadata.get("subset") == "LLMBar/Natural"]
        if natural and (found := calibrate(JUDGE, natural, with_people=False)).agreement.value == PUBLISHED_AGREEMENT:
            rings = [
                any(one.kind == "miscomputed" for one in calibrate(JUDGE, natural, reported=Reported(kappa=kappa)).findings)
                for kappa in (PUBLISHED_KAPPA, round(found.kappa.value, 2))
            ]
            return {"a kappa of 0.195 cannot stand beside an agreement of 0.78": rings == [True, False]}
    return {"a kappa of 0.195 cannot stand beside an agreement of 0.78": False}


def gamed(folder: Path) -> dict[str, bool]:
    """One model, asked plainly and asked to write more: it wins more, and at equal length it does not."""
    kept: dict[str, dict[int, tuple[float, int, int]]] = {"gpt-3.5-turbo-1106": {}, "gpt-3.5-turbo-1106_verbose": {}}
    for model, instruction, preference, baseline, length in lines(folder / "alpacaeval2_preferences.jsonl.gz"):
        if model in kept and isinstance(preference, float):
            kept[model][instruction] = (preference - 1, length, baseline)
    plain, wordy = kept.values()
    both = sorted(plain.keys() & wordy.keys())
    more = statistics.paired_difference([plain[one][0] for one in both], [wordy[one][0] for one in both])
    equal = [
        statistics.length_controlled_win_rate(*(list(column) for column in zip(*(kind[one] for one in both), strict=True)))
        for kind in (plain, wordy)
    ]
    same = statistics.contrast(equal[1], equal[0])
    return {
        "the same model wins more by writing more (AlpacaEval), not at equal length": more.low > 0
        and same.low <= 0
        and same.value < more.value
    }


def metrics(folder: Path) -> dict[str, bool]:
    """Metrics as judges of factuality: ROUGE-L hardly follows people, the best does."""
    rows = list(lines(folder / "frank_metrics_vs_human.jsonl.gz"))

    def follows(name: str) -> Any:
        known = [(row[name], row["Factuality"]) for row in rows if isinstance(row.get(name), int | float)]
        return statistics.pearson(*(list(column) for column in zip(*known, strict=True)))

    return {"ROUGE-L hardly follows people on factuality (FRANK)": follows("Rouge L").high < 0.25 and follows("BertScore P Art").low > 0.55}


# -- clean controls


def people(folder: Path) -> list[str]:
    """Alarms about annotators held against the others, singly and together."""
    pairs = [(one, [other]) for one in ANNOTATORS for other in ANNOTATORS if one != other]
    pairs += [(one, [other for other in ANNOTATORS if other != one]) for one in ANNOTATORS]
    return [
        f"{judge} against {', '.join(others)}: {one.sentence}"
        for judge, others in pairs
        for one in biases(calibrate(JUDGE, pandalm(folder, judge, others), with_people=False))
    ]


def shuffled(records: Records, draws: int) -> tuple[int, list[str]]:
    """Recorded judges, with the two lengths of each pair thrown like a coin: alarms about length, of how many tries."""
    chooser = random.Random(7)
    alarms: list[str] = []
    for (_, judge), items in records.items():
        for _ in range(draws):
            tossed = [item._replace(lengths=item.lengths[:: chooser.choice((1, -1))]) for item in items]
            alarms += [f"{judge}: {one.sentence}" for one in biases(calibrate(JUDGE, tossed, with_people=False)) if one.kind == "length"]
    return draws * len(records), alarms


def simulated(records: Records, draws: int) -> tuple[int, int]:
    """Judges over the recorded items that see the label as often as the recorded ones do, and else toss a coin: with a finding, of all."""
    chooser = random.Random(11)
    accused = 0
    for items in records.values():
        sees = exactness(items)
        for _ in range(draws):
            fair = [
                item._replace(verdicts=tuple(item.human if chooser.random() < sees else chooser.choice("AB") for _ in item.verdicts))
                for item in items
            ]
            accused += bool(biases(calibrate(JUDGE, fair, with_people=False)))
    return accused, draws * len(records)


def exactness(items: Sequence[Rated]) -> float:
    """How often a judge must see the label, where it else tosses a coin, to agree as much as this one; a tenth at least."""
    said = [verdict == item.human for item in items for verdict in item.verdicts if verdict is not None]
    return min(0.95, max(0.1, 2 * sum(said) / len(said) - 1))


def biases(found: Calibration) -> list[Any]:
    return [one for one in found.findings if one.kind in BIASES]


def known_defects(folder: Path | None, records: Records) -> dict[str, bool]:
    """Every defect that this data can show, and whether it was found."""
    calibrated = {key: calibrate(JUDGE, items) for key, items in records.items()}
    found = {one.name: is_found(one, calibrated) for one in (DEFECTS if folder else IN_EXCERPT)}
    if folder is not None:
        found |= filtering(calibrated) | published(records) | gamed(folder) | metrics(folder)
    return found


def main() -> None:
    """Look for the defects, try the controls, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one draw of each control, and three recorded judges for them")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder with evaluation/llmbar_items.jsonl.gz …"
    )
    arguments = parser.parse_args()
    started = begin()
    folder = Path(arguments.data) / "evaluation" if arguments.data else None
    base: Records = llmbar(folder) if folder else excerpt()
    judged: dict[tuple[str, str], Sequence[Rated]] = {("pandalm", one): pandalm(folder, one, ANNOTATORS) for one in PANDA} if folder else {}
    found = known_defects(folder, {**base, **judged})
    for name, is_there in found.items():
        print(f"{'found ' if is_there else 'MISSED'}  {name}")
    tried = dict(list(base.items())[:3]) if arguments.quick else base
    enough = 1 if arguments.quick else max(1, -(-1_000 // len(tried)))
    tosses, alarms = shuffled(tried, 1 if arguments.quick else max(1, -(-400 // len(tried))))
    alarms += people(folder) if folder else []
    for alarm in alarms:
        print(f"false alarm: {alarm}")
    accused, draws = simulated(tried, enough)
    rate = statistics.proportion(accused, draws)
    report(
        benchmark="judges",
        figures={
            "defects_found": sum(found.values()),
            "defects_total": len(found),
            "false_alarms": len(alarms),
            "controls": tosses + (9 if folder else 0),
            "false_alarm_rate": rate.value,
        },
        intervals={"false_alarm_rate": [round(rate.low, 4), round(rate.high, 4)]},
        n=draws,
        rivals={},
        data="LLMBar, PandaLM, AlpacaEval 2, FRANK" if folder else "an excerpt of LLMBar",
        versions=("numpy",),
        started=started,
    )


if __name__ == "__main__":
    main()
