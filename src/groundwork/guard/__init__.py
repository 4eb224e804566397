"""Floor 3: must not say. Rails on what comes in and on what goes out, with verdicts that say why."""
