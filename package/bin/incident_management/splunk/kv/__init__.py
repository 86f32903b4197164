"""The KV store's collections, and reads that see what was written before."""
