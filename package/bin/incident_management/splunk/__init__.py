"""Everything that communicates with splunkd. No other folder does."""
