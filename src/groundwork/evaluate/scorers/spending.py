"""What an answer took: seconds, tokens and dollars. An answer from a cache took none of its own, and is not counted as a fast one."""

from groundwork.core.reply import Reply
from groundwork.evaluate.registry import Answered, Unscored, scorer

_KEPT = Unscored("kept from an earlier request: it was not asked again")
_NOT_COUNTED = Unscored("the provider counted no tokens")


@scorer("latency", better="lower", unit="s", quantiles=(50, 95))
def latency(answered: Answered) -> float | Unscored:
    """Seconds from question to whole answer, as median and 95th percentile."""
    return _KEPT if answered.reply.cached else answered.seconds


@scorer("first_token", better="lower", unit="s", quantiles=(50, 95))
def first_token(answered: Answered) -> float | Unscored:
    """Seconds from question to the first content, as median and 95th percentile; unscored where the target does not stream."""
    if answered.reply.cached:
        return _KEPT
    return Unscored("the target does not stream") if answered.first_token is None else answered.first_token


@scorer("tokens_per_second", better="higher", unit="tokens", bounds=(0.0, float("inf")))
def tokens_per_second(answered: Answered) -> float | Unscored:
    """Tokens of the answer per second, counted from its first content where the target streams."""
    if answered.reply.cached:
        return _KEPT
    seconds = answered.seconds - (answered.first_token or 0.0)
    tokens = answered.reply.usage.output_tokens
    return _NOT_COUNTED if not tokens or seconds <= 0 else tokens / seconds


@scorer("tokens.input", better="lower", unit="tokens", bounds=(0.0, float("inf")))
def tokens_input(answered: Answered) -> float | Unscored:
    """Tokens sent to the model, cached ones included, on average; unscored where the provider does not count."""
    return _counted(answered.reply, answered.reply.usage.input_tokens)


@scorer("tokens.output", better="lower", unit="tokens", bounds=(0.0, float("inf")))
def tokens_output(answered: Answered) -> float | Unscored:
    """Tokens that the model wrote, on average; unscored where the provider does not count."""
    return _counted(answered.reply, answered.reply.usage.output_tokens)


@scorer("cost", better="lower", unit="USD")
def cost(answered: Answered) -> float | Unscored:
    """US dollars of an answer, on average; unscored where the model has no known price."""
    return Unscored("no price is known") if answered.reply.cost is None else answered.reply.cost


def _counted(reply: Reply, tokens: int) -> float | Unscored:
    """A model that was asked has read something: no input tokens means that nobody counted."""
    return float(tokens) if reply.usage.input_tokens else _NOT_COUNTED
