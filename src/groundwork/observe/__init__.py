"""Floor 1: what is seen. Spans of the request in hand, gathered in memory and handed to a sink as one trace."""
