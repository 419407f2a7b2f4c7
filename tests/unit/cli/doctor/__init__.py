"""`mdhub doctor`: every verdict, from facts."""
