"""Language of the pages: set by a form in the header, kept in a cookie."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from litestar import post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import ValidationException
from litestar.params import Body
from litestar.response import Redirect

from mdhub_console.words.catalogue import LANGUAGE_COOKIE, LANGUAGES

__all__ = ["PREFERENCES"]

YEAR_S: Final = 31_536_000


class Preference(msgspec.Struct, frozen=True):
    """What the form sends."""

    language: str
    back: str = "/"
    """Path to go back to."""
    csrf_token: str = ""


@post(
    "/language",
    include_in_schema=False,
    sync_to_thread=False,
    status_code=303,
    opt={"open_before_setup": True},
)
def set_language(
    data: Annotated[Preference, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Keep the language and go back."""
    if data.language not in LANGUAGES:
        raise ValidationException(f"language was {data.language!r}, expected one of {LANGUAGES}")
    back = urlsplit(data.back)
    path = f"/{back.path.lstrip('/')}" + (f"?{back.query}" if back.query else "")
    cookie = Cookie(LANGUAGE_COOKIE, value=data.language, max_age=YEAR_S, samesite="lax")
    return Redirect(path, status_code=303, cookies=[cookie])


PREFERENCES: Final = (set_language,)
