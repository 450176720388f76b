"""Pages without a browser: what they say, whom they let in, what they weigh."""
