"""Pages: what a browser is shown. One module per page."""
