"""Pages in Chromium, on a phone and on a desk, in both colour schemes, with JavaScript and without."""
