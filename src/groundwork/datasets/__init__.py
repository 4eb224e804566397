"""Floor 3: what an application learns from. Datasets of examples, each with a manifest that names everything it was made from."""
