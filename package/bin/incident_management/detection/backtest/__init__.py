"""The replay of a detection over past time, which writes nothing."""
