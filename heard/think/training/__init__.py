"""Training of the heads behind the scores: the same corpus gives the same bytes.

Nothing here runs in the product. What is learnt from is the part `train` of our own corpus,
and replies of real desks that were labelled for it (numbers and labels only are kept here).
"""
