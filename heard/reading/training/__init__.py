"""Training of the models that ship: the same data gives the same bytes.

Nothing here runs in the product. Only data marked for training is read, and texts of our own.
"""
