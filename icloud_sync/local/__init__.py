"""OUR SIDE: rows. Every write and its record share one transaction."""
