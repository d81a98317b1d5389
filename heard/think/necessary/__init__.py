"""Necessary: is there something to say, and is this the moment, the place and the person for it?"""
