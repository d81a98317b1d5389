"""People outside: who they are to us, which handles are one person, and how it is undone."""
