"""What the house answers again: saved answers, what was said before, and drafts that use both."""
