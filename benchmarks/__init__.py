"""Benchmarks, run by `./build.sh bench NAME`. Their data is given by folder, never kept here."""
