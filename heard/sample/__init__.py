"""Quince & Daughters: a made-up company with sixty days of life, to look round in.

`events.events` gives what was said and done there, `loading.load` puts it into the house and
`loading.remove` takes it out again.
"""
