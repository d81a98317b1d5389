"""Commands about conversations, one a module."""
