"""People outside, with every address under which they speak to us."""
