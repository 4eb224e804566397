"""What an answer took: seconds and dollars."""

from groundwork.evaluate.registry import Answered, Unscored, scorer


@scorer("latency", better="lower", unit="s", quantiles=(50, 95))
def latency(answered: Answered) -> float | Unscored:
    """Seconds from question to whole answer, as median and 95th percentile."""
    return answered.seconds


@scorer("cost", better="lower", unit="USD")
def cost(answered: Answered) -> float | Unscored:
    """US dollars of an answer, on average; unscored where the model has no known price."""
    return Unscored("no price is known") if answered.reply.cost is None else answered.reply.cost
