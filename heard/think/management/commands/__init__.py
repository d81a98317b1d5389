"""Commands of the reply check."""
