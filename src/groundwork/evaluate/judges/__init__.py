"""Judges: a model, a prompt, how it samples and the form of its verdict, as one versioned object; and how far each can be trusted."""
