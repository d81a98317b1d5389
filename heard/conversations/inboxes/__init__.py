"""Connected accounts: opened, connected to their place, and known to be well or not."""
