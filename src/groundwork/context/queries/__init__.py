"""What is looked up for a request: rewritten from the conversation, expanded, taken apart."""
