"""The template engine: folders, and what every template may call."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from mdhub_console.pages.globals import add_globals

__all__ = ["template_config"]

FOLDER: Final = Path(__file__).resolve().parents[1] / "templates"


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Jinja with everything escaped, and a name that is not there is an error."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    add_globals(environment)
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))
