"""The stand-in for iCloud against its specification, by raw HTTP and by python-caldav."""
