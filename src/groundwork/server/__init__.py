"""Floor 7: the application behind an OpenAI-compatible API, with a page for people at `/`."""
