"""Replies that wait: they rest, or another person looks first; and words that crossed."""
