"""Floor 4: measuring. Suites, scorers, runs that survive a kill, reports with intervals, paired comparison. Evaluates any async callable."""
