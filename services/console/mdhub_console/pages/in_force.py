"""The configuration in force on this host, as far as the console is told."""

from __future__ import annotations

from mdhub.config import ConfigError, HubConfig, load
from mdhub.config.load import Loaded
from mdhub_console.parts import Parts

__all__ = ["config_of", "loaded_of"]


def loaded_of(parts: Parts) -> Loaded | None:
    """None = the console was given no file, or it cannot be read: what is in force is not known."""
    file = parts.settings.config
    if file is None:
        return None
    try:
        return parts.config.get(lambda: load(file))
    except ConfigError:
        return None


def config_of(parts: Parts) -> HubConfig | None:
    """The same without the origins."""
    loaded = loaded_of(parts)
    return loaded.config if loaded else None
