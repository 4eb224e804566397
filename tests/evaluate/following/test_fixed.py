"""The fixed mode means what an instruction says: for each type, answers that follow it and answers that do not."""

from typing import Any

import pytest

from groundwork.evaluate.following import Unclear, all_instructions, parse, strict

ENGLISH = "The quick brown fox jumps over the lazy dog, and nobody in the village is surprised."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf wundert sich."

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("keywords:existence", {"keywords": ["c++", "New York"]}, ["C++ in new\nyork!"], ["cc++ New York", "c++ New Yorkers"]),
    ("keywords:frequency", {"keyword": "the", "frequency": 2, "relation": "exactly"}, ["The then the"], ["the", "the the the"]),
    ("keywords:forbidden_words", {"forbidden_words": ["a.b", "no"]}, ["axb, nothing"], ["a.b", "No!"]),
    ("keywords:letter_frequency", {"letter": "E", "let_frequency": 2, "let_relation": "at most"}, ["Ee", "x"], ["eee"]),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 1, "let_relation": "more than"}, ["# and #"], ["#"]),
    ("length_constraints:number_words", {"num_words": 3, "relation": "exactly"}, ["don't well-known 3.5"], ["one two", "a b c d"]),
    (
        "length_constraints:number_sentences",
        {"num_sentences": 2, "relation": "exactly"},
        ["E.g. this. And that."],
        ["One.", "A b. C d. E f."],
    ),
    (
        "length_constraints:number_paragraphs",
        {"num_paragraphs": 2},
        ["a\n***\nb", "***\na\n***\nb\n***"],
        ["a *** b", "a\n***\n\n***\nb", "a"],
    ),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Well"},
        ["a\n \n**Well**, yes", "\n\na\n\n\n\nwell"],
        ["a\n\nwellness", "well\n\na", "a\n\nb\n\nwell"],
    ),
    (
        "detectable_format:number_bullet_lists",
        {"num_bullets": 2},
        ["* a\n+ b", "- a\n• b\n---\n-5", "- a\n- b\n```\n- c\n```"],
        ["* a", "-a\n-b"],
    ),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, ["*a* and **b c**"], ["**a**", "* a\n* b *c*", "*a* ***"]),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "Section", "num_sections": 2},
        ["Section 1\na\n## Section 2\nb"],
        ["see Section 1 and Section 2", "Section 1\nSection 2\nSection 3"],
    ),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "S", "num_sections": 2, "relation": "at least"},
        ["S 1\nS 2\nS 3"],
        ["S 1\nS 1"],
    ),
    ("detectable_format:json_format", {}, ['{"a": 1}', "```json\n[1]\n```"], ["5", '{"a": NaN}', 'so: {"a": 1}', '{"a": 1']),
    ("detectable_format:title", {}, ["<<Joy>>\ntext"], ["<< >>", "<<a\nb>>", "Joy"]),
    ("detectable_format:constrained_response", {}, ["My answer is no.", "**My answer is yes.**"], ["My answer is no. Because…", "no"]),
    ("detectable_format:constrained_response", {"options": ["A", "B"]}, ["B"], ["C"]),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, ["[name], [address]"], ["[1] [x] [ ] [a](b)", "[name]", "[]"]),
    (
        "detectable_content:postscript",
        {"postscript_marker": "P.S."},
        ["Hi\nP.S. bye", "Hi\n**p. s.** bye"],
        ["P.S. bye", "Hi P.S. bye", "Hi\nP.S."],
    ),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, ["Hi\nP.P.S. bye", "Hi\nP.P.S bye"], ["Hi\nP.S. bye"]),
    ("combination:two_responses", {}, ["a\n******\nb"], ["a", "a ******* b", "a ****** A", "a ****** b ****** c", "a ****** ****** b"]),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Say  it."}, ["Say it.\nDone"], ["say it. Done", "Say it.", "So: Say it. Done"]),
    ("startend:end_checker", {"end_phrase": "The end."}, ["x The end.", 'x "The end."', "x **The end.**"], ["x the end.", "The end. x"]),
    ("startend:quotation", {}, ['"a"', "“a b”", "«a»"], ['"', '""', '"a', '“a"', 'a "b"']),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "exactly"},
        ["I saw NASA and the ANTI-HERO"],
        ["NASA", "A B C"],
    ),
    ("change_case:english_capital", {}, [ENGLISH.upper()], [ENGLISH, GERMAN.upper()]),
    ("change_case:english_lowercase", {}, [ENGLISH.lower()], [ENGLISH, GERMAN.lower()]),
    ("language:response_language", {"language": "de"}, [GERMAN], [ENGLISH]),
    ("language:response_language", {"language": "zh"}, ["今天天气很好,我们一起去公园散步吧,然后再去图书馆看看新书和旧书。"], [GERMAN]),
    ("punctuation:no_comma", {}, ["a; b"], ["a, b", "1,000", "a、b"]),
]


def verdict(name: str, answer: str, **arguments: Any) -> Any:
    return strict(answer, parse([{"type": name, **arguments}])[0], "fixed")


def test_every_type_has_its_cases() -> None:
    assert {one.name for one in all_instructions()} == {name for name, _, _, _ in CASES}


@pytest.mark.parametrize(("name", "arguments", "followed", "broken"), CASES, ids=[name for name, _, _, _ in CASES])
def test_an_instruction_means_what_it_says(name: str, arguments: dict[str, Any], followed: list[str], broken: list[str]) -> None:
    assert [answer for answer in followed if verdict(name, answer, **arguments) is not True] == []
    assert [answer for answer in broken if verdict(name, answer, **arguments) is not False] == []


@pytest.mark.parametrize("answer", ["42", "Hi!", "- - -"])
@pytest.mark.parametrize("name", ["language:response_language", "change_case:english_capital", "change_case:english_lowercase"])
def test_a_language_that_cannot_be_told_is_unclear(name: str, answer: str) -> None:
    arguments = {"language": "de"} if name.startswith("language") else {}
    fit = answer.upper() if name.endswith("capital") else answer.lower()
    found = verdict(name, fit, **arguments)
    assert isinstance(found, Unclear) or (found is False and not fit.isupper() and not fit.islower())
