"""The console: accounts, control and sight for the operator, in a browser and over HTTP."""
