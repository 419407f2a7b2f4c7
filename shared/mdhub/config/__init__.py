"""Configuration of a hub: one TOML file and `MDHUB_*` variables, checked as a whole."""

from mdhub.config.errors import ConfigError, Problem
from mdhub.config.load import Loaded, load
from mdhub.config.model import HubConfig

__all__ = ["ConfigError", "HubConfig", "Loaded", "Problem", "load"]
