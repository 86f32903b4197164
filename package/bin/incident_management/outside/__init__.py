"""Speaks HTTP and TLS to services outside: certificates, proxies, limits in time and size."""
