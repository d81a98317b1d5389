"""Should a reply rest, or be seen by somebody else? What its words tell of heat and stakes."""
