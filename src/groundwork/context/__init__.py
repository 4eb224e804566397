"""Floor 3: what may be known. Documents are read, split, indexed, searched and cited here.

`reading` turns files into canonical text, `chunking` splits it, `indexing` keeps the index in step with the files, `search` finds, `citing`
turns the `[n]` of an answer into verbatim quotes. What is kept lies in `store/index.py`.
"""
