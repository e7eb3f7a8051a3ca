"""A stand-in for the internet: real host names over TLS, served from the loopback interface."""

from __future__ import annotations

from standin.message import HangUp, Request, Response
from standin.service import StandIn, environment

__all__ = ["HangUp", "Request", "Response", "StandIn", "environment"]
