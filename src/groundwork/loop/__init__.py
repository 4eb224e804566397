"""Floor 6: the way a change reaches production. Harvest, propose, evaluate, gate, release, roll back."""
