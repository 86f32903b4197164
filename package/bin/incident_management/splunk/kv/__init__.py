"""The KV store's collections, and reads that see earlier writes."""
