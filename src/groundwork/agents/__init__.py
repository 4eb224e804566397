"""Floor 4: plan and act. Tools that are plain functions, and the bounded loop in which a model calls them."""
