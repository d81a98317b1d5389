"""Inspiring: would a stranger think better of us?"""
