"""A first configuration for a table that nobody has described yet."""
