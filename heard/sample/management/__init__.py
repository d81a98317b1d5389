"""Commands about the sample company."""
