"""Floor 2: who answers. Model aliases over providers, with fallback, pricing and spans as wrappers of one port."""
