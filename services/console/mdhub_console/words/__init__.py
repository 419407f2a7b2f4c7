"""What the console calls things: each word in English and Chinese."""
