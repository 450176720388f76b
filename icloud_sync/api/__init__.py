"""iCloud over REST: thin callers of the services, with the fields, codes and statuses of contract.md."""
