"""Floor 0: nouns, ports, errors, configuration loading, statistics and text. Imports nothing of groundwork above it."""
