"""httpbin, in a process of its own."""

from __future__ import annotations

import httpbin_servers

if __name__ == "__main__":
    httpbin_servers.main()
