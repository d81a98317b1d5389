"""May this go out? Is it True, Helpful, Inspiring, Necessary, Kind; pure and quick."""
