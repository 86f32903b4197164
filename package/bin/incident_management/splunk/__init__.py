"""Everything that speaks to splunkd. No other folder does."""
