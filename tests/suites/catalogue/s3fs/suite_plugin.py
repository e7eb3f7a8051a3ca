"""moto is elsewhere."""

from __future__ import annotations

import contextlib
import os
import socket

from moto.moto_server import threaded_moto_server

# As in the project's own CI: there is nobody to ask for other credentials.
os.environ |= {
    "AWS_ACCESS_KEY_ID": "foo",
    "AWS_SECRET_ACCESS_KEY": "foo",
    "BOTO_CONFIG": "/dev/null",
}


class Elsewhere:
    """In the place of ``ThreadedMotoServer``; a server that starts anew is an empty one."""

    def __init__(self, ip_address: str, port: int) -> None:
        self.address = ip_address, port

    def start(self) -> None:
        """Not by an HTTP client, which would be recorded."""
        with (
            contextlib.suppress(ConnectionRefusedError),  # it is gone
            socket.create_connection(self.address) as connection,
        ):
            connection.sendall(
                b"POST /moto-api/reset HTTP/1.1\r\nHost: moto\r\nContent-Length: 0\r\n"
                b"Connection: close\r\n\r\n"
            )
            while connection.recv(4096):
                pass

    def stop(self) -> None:
        """It goes on."""


threaded_moto_server.ThreadedMotoServer = Elsewhere
