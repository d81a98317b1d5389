"""The same questions of words that answer nobody."""
