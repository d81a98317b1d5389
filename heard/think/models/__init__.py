"""The trained figures behind the scores: arrays only, no code."""
