"""Floor 4: measuring. Suites, scorers, runs that survive a kill, figures with intervals, paired comparison. Takes any async callable."""
