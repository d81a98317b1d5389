"""The pages about people: the door, one's own profile, colleagues, and the parts of the house."""
