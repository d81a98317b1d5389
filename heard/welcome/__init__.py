"""First start: whoever comes by the link in the terminal takes the house over, once."""
