"""Static pages for the browser, the explorer and the upscaler: plain ES modules without a build step.

``explorer/`` is an element, ``<upsampling-explorer>``, that needs nothing but its files: the documentation
and ``tfdeconv explain --serve`` show it. ``upscaler/`` talks to the REST API of a model server.
"""

from tfdeconv.web.page_server import PageServer
from tfdeconv.web.pages import Page, find_page

__all__ = ["Page", "PageServer", "find_page"]
