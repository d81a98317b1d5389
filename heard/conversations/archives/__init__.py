"""Archives of former years: brought in by several importers beside each other."""
