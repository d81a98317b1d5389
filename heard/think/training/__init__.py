"""Training of the heads behind the scores: the same corpus gives the same bytes.

Nothing here runs in the product. Only the part `train` of our own corpus is learnt from.
"""
