"""What a prompt file says of itself, between its `+++` lines. Every key is known, every limit is checked when the file is read.

    description = "Sorts a letter."
    inputs = ["question"]
    examples = "letters.jsonl"                        # or [[examples]] with question and answer, or with messages
    select = { by = "similarity", keep = 4, tokens = 600 }
    output = { schema = "letter.schema.json", format = "yaml" }
    model = { temperature = 0.0, max_tokens = 300 }
    steps = { think = true }

What the caller sends is stronger than the hints of `model`. Names across files (does `letters.jsonl` exist?) are checked by `file.py`.
"""

from typing import Any, Literal

import msgspec

from groundwork.core.config import Section

SelectBy = Literal["fixed", "similarity", "recent", "rated"]
OutputFormat = Literal["json", "yaml"]


class TurnSection(Section, frozen=True, kw_only=True):
    """One turn of an example that is a conversation."""

    role: Literal["user", "assistant"]
    text: str


class ExampleSection(Section, frozen=True, kw_only=True):
    """A few-shot example: a question and its answer, or whole messages that end with the assistant's."""

    question: str = ""
    answer: str = ""
    messages: tuple[TurnSection, ...] = ()
    id: str = ""

    def __post_init__(self) -> None:
        if self.messages and (self.question or self.answer):
            raise ValueError("an example has question and answer, or messages, not both")
        if not self.messages and not (self.question.strip() and self.answer.strip()):
            raise ValueError("an example needs `question` and `answer`, or `messages`")
        if self.messages and [turn.role for turn in self.messages] != ["user", "assistant"] * (len(self.messages) // 2):
            raise ValueError("the messages of an example go user, assistant, in turns, and end with the assistant")

    @property
    def turns(self) -> tuple[TurnSection, ...]:
        """The example as a conversation."""
        return self.messages or (TurnSection(role="user", text=self.question), TurnSection(role="assistant", text=self.answer))


class SelectSection(Section, frozen=True, kw_only=True):
    """Which of the examples a request sees. `traces` adds answers that people rated well, or showed how they should have been."""

    by: SelectBy = "fixed"
    """`fixed`: the first, as written. `similarity`: the nearest to the question. `recent`, `rated`: of the traces, the latest or the best."""
    keep: int = 8
    tokens: int | None = None
    """What the chosen ones may take together, by the tokenizer of the built-in encoder: an estimate of any other model's."""
    traces: bool = False

    def __post_init__(self) -> None:
        if self.keep < 1:
            raise ValueError(f"keep = {self.keep} shows no example; it is 1 or more")
        if self.tokens is not None and self.tokens < 1:
            raise ValueError(f"tokens = {self.tokens} leaves no room for an example")

    @property
    def from_traces(self) -> bool:
        return self.traces or self.by in {"recent", "rated"}


class OutputSection(Section, frozen=True, kw_only=True):
    """The form of the answer. The model may write YAML, which takes fewer tokens; the caller always gets JSON."""

    schema: str | dict[str, Any]
    """JSON Schema, as a table or as a file beside the prompt."""
    format: OutputFormat = "json"
    native: bool = False
    """Ask the provider to enforce the schema (`response_format`), instead of describing it in the prompt. What comes is checked all the same."""
    repair: bool = True
    """Mend common slips (a code fence, a trailing comma, single quotes) before asking again. What was cut off is never mended."""
    retries: int = 1
    """How often the model is asked again, with what was wrong."""

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= 5:
            raise ValueError(f"retries = {self.retries} is not between 0 and 5")
        if self.native and self.format == "yaml":
            raise ValueError("a provider enforces JSON only: leave out `native` or `format`")


class HintsSection(Section, frozen=True, kw_only=True):
    """How to sample for this prompt, where the caller does not say."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool = False
    """Ask for the log-probability of each token."""

    def __post_init__(self) -> None:
        if self.temperature is not None and not 0 <= self.temperature <= 2:
            raise ValueError(f"temperature = {self.temperature} is not between 0 and 2")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p = {self.top_p} is not above 0 and at most 1")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise ValueError(f"max_tokens = {self.max_tokens} leaves no room for an answer")


class StepsSection(Section, frozen=True, kw_only=True):
    """What is done on the way to the answer. Each costs model calls or tokens; all are off unless asked for."""

    think: bool = False
    """Reason first, inside `<think>`; the reasoning is parsed off the answer."""
    critique: int = 0
    """How often a draft is reviewed and written again."""
    decompose: int = 0
    """Into at most so many smaller questions, answered one by one before the whole."""

    def __post_init__(self) -> None:
        if not 0 <= self.critique <= 3:
            raise ValueError(f"critique = {self.critique} is not between 0 and 3")
        if not 0 <= self.decompose <= 8 or self.decompose == 1:
            raise ValueError(f"decompose = {self.decompose} is not 0 or between 2 and 8")


class FrontMatter(Section, frozen=True, kw_only=True):
    """What a prompt file says of itself."""

    description: str = ""
    inputs: tuple[str, ...] = ("question",)
    examples: tuple[ExampleSection, ...] | str = ()
    select: SelectSection = SelectSection()
    output: OutputSection | None = None
    model: HintsSection = HintsSection()
    steps: StepsSection = StepsSection()


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt as read: its id, its text, its two templates, and what its front matter asks for."""

    id: str
    name: str
    text: str
    description: str
    inputs: tuple[str, ...]
    system: str
    user: str
    examples: tuple[ExampleSection, ...] = ()
    select: SelectSection = SelectSection()
    output: OutputSection | None = None
    """With the schema itself, also where a file held it."""
    model: HintsSection = HintsSection()
    steps: StepsSection = StepsSection()
    files: dict[str, str] = {}
    """Texts of the files that the front matter names: part of the version."""

    @property
    def shows_examples(self) -> bool:
        return bool(self.examples) or self.select.from_traces
