"""Floor 1: touching the untrusted world. Secrets and personal data in text, for now."""
