"""The spine: intake, conversations, clocks, inbox, replying, ledger."""
