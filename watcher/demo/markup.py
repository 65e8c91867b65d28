"""What an instance makes of a plain text: HTML with links, the hashtags in it, and those whom it mentions."""

from __future__ import annotations

import html
import re
from collections.abc import Container

_MARKUP = re.compile(r"(?P<url>https?://[^\s<]+)|(?<![\w/])#(?P<tag>\w+)|(?<![\w/])@(?P<handle>\w+)")


def tags(text: str) -> list[str]:
    """The hashtags of a text in lower case, in the order in which they stand."""
    return [found["tag"].casefold() for found in _MARKUP.finditer(text) if found["tag"]]


def mentioned(text: str, known: Container[str]) -> list[str]:
    """The handles of a text that have an account."""
    return [found["handle"] for found in _MARKUP.finditer(text) if found["handle"] in known]


def content(text: str, base_url: str, known: Container[str]) -> str:
    """A text as HTML: paragraphs, line breaks, and links of the shape that instances give them."""
    paragraphs = (_paragraph(part, base_url, known) for part in text.split("\n\n") if part)
    return "".join(f"<p>{part}</p>" for part in paragraphs)


def _paragraph(text: str, base_url: str, known: Container[str]) -> str:
    """One paragraph: escaped, with its addresses, hashtags and mentions as links."""
    made, end = [], 0
    for found in _MARKUP.finditer(text):
        made += [html.escape(text[end : found.start()]), _link(found, base_url, known)]
        end = found.end()
    return "".join([*made, html.escape(text[end:])]).replace("\n", "<br />")


def _link(found: re.Match[str], base_url: str, known: Container[str]) -> str:
    """One address, hashtag or mention as a link; an unknown handle stays text."""
    if url := found["url"]:
        scheme, _, rest = html.escape(url).partition("://")
        shown = f'<span class="invisible">{scheme}://</span><span class="">{rest}</span>'
        return f'<a href="{html.escape(url)}" rel="nofollow noopener" translate="no">{shown}</a>'
    if tag := found["tag"]:
        href = f"{base_url}/tags/{tag.lower()}"
        return f'<a href="{href}" class="mention hashtag" rel="tag">#<span>{tag}</span></a>'
    if (handle := found["handle"]) not in known:
        return html.escape(found.group())
    link = f'<a href="{base_url}/@{handle}" class="u-url mention">@<span>{handle}</span></a>'
    return f'<span class="h-card" translate="no">{link}</span>'
