"""The arbiter: chooses, per exchange snapshot, the first trustworthy copy."""
