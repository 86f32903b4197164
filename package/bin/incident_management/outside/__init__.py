"""HTTP and TLS to external services: certificates, proxies, limits on time and size."""
