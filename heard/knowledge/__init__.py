"""What this house knows, for everybody who answers: facts of the house, and saved answers."""
