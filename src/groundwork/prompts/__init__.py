"""Floor 2: what is said. Prompt files with front matter, named by their content; rendering that keeps every part's origin."""
