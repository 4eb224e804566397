#!/usr/bin/env python3
"""Check the sample application's evaluation suite against its pages.

Every case must be well formed; every fact must stand in the page it names; the counts, the splits and the questions must be as
the suite's README says. Reads files only, needs the standard library only. Not covered: whether a question is a good one.

    python3 scripts/check_suite.py [examples/sqlite-helpdesk]
"""

import json
import re
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

SPLITS = ("choose", "report")
KEYS = {"id", "split", "question", "facts", "tags"}
LEAST_ANSWERABLE = 60
LEAST_UNANSWERABLE = 20
SHORTEST_ACCEPTED = 2
# Inline elements do not end a word: 2<sup>31</sup> reads 231, as every stripper of tags reads it.
INLINE = {"a", "b", "big", "code", "dfn", "em", "font", "i", "kbd", "s", "samp", "small", "span", "strong", "sub", "sup", "tt", "u", "var"}


class Text(HTMLParser):
    """Collects the text of a page: entities decoded, scripts and styles left out, block elements as white space."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self.silent += 1
        elif tag not in INLINE:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self.silent -= 1
        elif tag not in INLINE:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def normalised(text: str) -> str:
    return " ".join(text.split()).casefold()


def page_text(path: Path) -> str:
    parser = Text()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    return normalised("".join(parser.parts))


def holds(text: str, accepted: str) -> bool:
    """Whether normalised `text` holds `accepted`, not as a piece of a longer word or number (100 is not in 1000)."""
    return re.search(rf"(?<!\w){re.escape(normalised(accepted))}(?!\w)", text) is not None


def case_faults(case: dict[str, Any], where: str, pages: dict[str, str]) -> list[str]:
    """What is wrong with one case, as sentences that begin with `where`; the shapes come first, then the facts."""
    if set(case) != KEYS:
        return [f"{where}: keys are {sorted(case)}, expected {sorted(KEYS)}"]
    name = f"{where} ({case['id']})"
    faults = []
    if case["split"] not in SPLITS:
        faults.append(f"{name}: split is {case['split']!r}, expected one of {SPLITS}")
    if not case["question"].strip():
        faults.append(f"{name}: the question is empty")
    if ("unanswerable" in case["tags"]) == bool(case["facts"]):
        faults.append(f"{name}: the tag 'unanswerable' and an empty list of facts go together")
    for fact in case["facts"]:
        faults += fact_faults(fact, name, pages)
    return faults


def fact_faults(fact: dict[str, Any], name: str, pages: dict[str, str]) -> list[str]:
    if set(fact) != {"accepted", "source"}:
        return [f"{name}: a fact has the keys {sorted(fact)}, expected accepted and source"]
    faults = [f"{name}: accepted string {a!r} is too short" for a in fact["accepted"] if len(a.strip()) < SHORTEST_ACCEPTED]
    if fact["source"] not in pages:
        return [*faults, f"{name}: no page {fact['source']!r} in docs/"]
    if not any(holds(pages[fact["source"]], accepted) for accepted in fact["accepted"]):
        faults.append(f"{name}: none of {fact['accepted']} stands in {fact['source']}")
    return faults


def suite_faults(cases: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the suite as a whole: ids, questions, counts, splits."""
    faults = [f"id {i!r} is used {n} times" for i, n in Counter(c["id"] for c in cases).items() if n > 1]
    questions = Counter(re.sub(r"\W+", " ", normalised(c["question"])).strip() for c in cases)
    faults += [f"question {q!r} is asked {n} times" for q, n in questions.items() if n > 1]
    asked = Counter((fact["source"], *sorted(map(normalised, fact["accepted"]))) for c in cases for fact in c["facts"])
    faults += [f"the fact {list(f[1:])} of {f[0]} is asked {n} times" for f, n in asked.items() if n > 1]
    answerable = sum(bool(c["facts"]) for c in cases)
    if answerable < LEAST_ANSWERABLE:
        faults.append(f"{answerable} answerable cases, expected at least {LEAST_ANSWERABLE}")
    if len(cases) - answerable < LEAST_UNANSWERABLE:
        faults.append(f"{len(cases) - answerable} unanswerable cases, expected at least {LEAST_UNANSWERABLE}")
    faults += [f"no case in the split {s!r}" for s in SPLITS if not any(c["split"] == s for c in cases)]
    return faults


def report(cases: list[dict[str, Any]]) -> str:
    def row(label: str, chosen: list[dict[str, Any]]) -> str:
        counts = Counter(c["split"] for c in chosen)
        return f"{label:<16}" + "".join(f"{counts[s]:>8}" for s in SPLITS) + f"{len(chosen):>8}"

    lines = [f"{'':<16}" + "".join(f"{s:>8}" for s in SPLITS) + f"{'all':>8}", row("cases", cases)]
    lines += [row("answerable", [c for c in cases if c["facts"]]), row("unanswerable", [c for c in cases if not c["facts"]])]
    tags = Counter(tag for c in cases for tag in c["tags"] if tag != "unanswerable")
    lines += [row(f"  {tag}", [c for c in cases if tag in c["tags"]]) for tag, _ in sorted(tags.items(), key=lambda t: (-t[1], t[0]))]
    sources = {fact["source"] for c in cases for fact in c["facts"]}
    return "\n".join([*lines, f"facts from {len(sources)} pages"])


def main(arguments: list[str]) -> int:
    home = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent / "examples" / "sqlite-helpdesk"
    suite = home / "suites" / "helpdesk.jsonl"
    pages = {path.name: page_text(path) for path in sorted((home / "docs").glob("*.html"))}
    cases: list[dict[str, Any]] = []
    faults: list[str] = []
    for number, line in enumerate(suite.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{suite.name}:{number}"
        try:
            case = json.loads(line)
        except json.JSONDecodeError as error:
            faults.append(f"{where}: not JSON: {error}")
            continue
        faults += case_faults(case, where, pages)
        if set(case) == KEYS:
            cases.append(case)
    faults += suite_faults(cases)
    if faults:
        print(f"{len(faults)} faults in {suite}:", *faults, sep="\n  ", file=sys.stderr)
        return 1
    print(report(cases))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
