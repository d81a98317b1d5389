"""Commands about the people of the house."""
