"""Sources in C that stand before the C library; compiled on demand by `tools/preload.py`."""
