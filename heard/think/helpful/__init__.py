"""Helpful: is what was asked answered, in their language, and does it move them on?"""
