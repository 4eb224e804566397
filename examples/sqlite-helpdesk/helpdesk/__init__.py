"""The sample helpdesk's own Python: the tools that its groundwork.toml names."""
