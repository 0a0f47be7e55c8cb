"""Is it a digit at all? How many other words a backend takes for digits, measured on words of the same recordings."""
