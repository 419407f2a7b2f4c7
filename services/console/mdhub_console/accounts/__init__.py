"""The account store behind the console: read, changed, moved; secrets go in and never come out."""
