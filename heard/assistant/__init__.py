"""The optional model server: masked, paid for from a daily budget, remembered, and written down.

Off until an owner says where it is. What it says is a suggestion; nothing here changes a figure.
"""
