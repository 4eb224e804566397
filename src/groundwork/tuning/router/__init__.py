"""A router of one's own intents from 5 to 20 examples each: fitted in seconds, with what to expect of it from held folds."""
