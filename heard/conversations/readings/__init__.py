"""Readings looked at again: by the people of the house, by a second reader, and learnt from."""
