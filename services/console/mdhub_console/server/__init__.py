"""The frame around every request: headers, origin, errors, documents, health."""
