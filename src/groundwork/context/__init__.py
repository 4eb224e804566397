"""Floor 3: what may be known. Documents are read, split, indexed, searched and cited here.

`sources` says which documents there are and `origins` where each comes from (files, pages, functions), `reading` turns them into canonical
text by `readers/`, `chunking` splits it, `indexing` keeps the index in step with them. `queries/` says what is looked up, `search` finds by terms
and by `dense/`, `ranking/` puts in order, `assembling` makes it fit a prompt, `citing` turns the `[n]` of an answer into verbatim quotes. What is
kept lies behind `store/index_port.py`.
"""
