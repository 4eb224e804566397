"""From public data to training sets: one file a set, `python -m groundwork.tuning.prepare NAME --from FOLDER --out FOLDER` runs it.

Every preparation has the same form: a folder with the raw files and a seed go in, rows by part and the origins come out. Nothing depends on
anything else, so the same call gives the same bytes.
"""
