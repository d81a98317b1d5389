"""The house: its brands, places and teams, and the people who work there."""
