"""The check at work here: what it may know, our own posts, and what its rules are worth."""
