"""Single stages, each alone: what one part costs without the others."""
