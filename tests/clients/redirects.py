"""Reason phrases of redirects (RFC 9110 section 15.4)."""

from __future__ import annotations

REASONS = {
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
}
