"""What the owner reads: the glass, the report, and the roll-ups under them."""
