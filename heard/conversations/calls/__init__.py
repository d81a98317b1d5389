"""Telephone calls: their words in a thread, who is on hold, and the book over them."""
