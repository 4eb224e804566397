"""Floor 3: what may be known. Documents are read, split, indexed, searched and cited here.

`sources` says which documents there are and `origins` where each comes from (files, pages, functions), `reading` turns them into canonical
text, `chunking` splits it, `indexing` keeps the index in step with them, `search` finds, `citing` turns the `[n]` of an answer into verbatim
quotes. What is kept lies in `store/index.py`.
"""
