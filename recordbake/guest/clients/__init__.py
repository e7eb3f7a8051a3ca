"""One file per client library, each behind the same verb: ``install(module, engine) -> version``.

An adapter patches methods of the imported module once and never un-patches; it hands a complete
:class:`~..exchange.Request` to the engine and gives the caller the client's own response objects
and exceptions. Adapters don't know each other.
"""

from __future__ import annotations
