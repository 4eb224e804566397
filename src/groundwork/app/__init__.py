"""Floor 5: one request, from admission to answer, and the application that carries it. Everything is composed in `compose.py`."""
