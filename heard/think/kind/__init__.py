"""Kind: would these words hurt whoever reads them?"""
