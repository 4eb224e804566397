"""Error analysis: read answers by hand, name what goes wrong, count it, and measure it from then on.

Source of the method: open and axial coding of qualitative research (A. Strauss and J. Corbin, Basics of Qualitative Research, 1990), as it is
used on traces of language models.
"""
