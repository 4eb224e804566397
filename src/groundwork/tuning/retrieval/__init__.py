"""Choosing how documents are split and searched, by questions on the user's own documents.

`sought` gathers the questions, `candidates` the settings to try, `trial` measures each beside the index in use, `verdict` says what is better.
"""
