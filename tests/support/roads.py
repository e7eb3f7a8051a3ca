"""Every road out that we could think of; each knocks at a port, or asks for a name, of its own.

    python roads.py HOST HOST6 FIRST_PORT [NAME...]

Prints nothing that matters: who listens outside knows what came. Standard library only but for the
clients that are roads themselves.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import ftplib
import mmap
import os
import platform
import smtplib
import socket
import struct
import subprocess
import sys
import threading
import urllib.request

SECONDS = 20  # enough to knock at a port on a machine that is busy
CONNECT = f"import socket,sys;socket.create_connection((sys.argv[1],int(sys.argv[2])),{SECONDS})"
FASTOPEN = 0x20000000
libc = ctypes.CDLL(None, use_errno=True)


def sockaddr(host: str, port: int, family: int = socket.AF_INET) -> bytes:
    return struct.pack("=H", family) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


# -- Python's own sockets ----------------------------------------------------------------------


def tcp(host, port):
    socket.create_connection((host, port), SECONDS)


def tcp_connect_ex(host, port):
    socket.socket().connect_ex((host, port))


def tcp_thread(host, port):
    thread = threading.Thread(target=lambda: quiet(tcp, host, port))
    thread.start()
    thread.join()


def tcp_fastopen(host, port):
    socket.socket().sendto(b"x", FASTOPEN, (host, port))


def tcp_fastopen_sendmsg(host, port):
    socket.socket().sendmsg([b"x"], [], FASTOPEN, (host, port))


def tcp_mapped(host, port):
    with socket.socket(socket.AF_INET6) as s:
        s.connect((f"::ffff:{host}", port))


def udp_sendto(host, port):
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", (host, port))


def udp_sendmsg(host, port):
    socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, (host, port))


def udp_connected(host, port):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.connect((host, port))
        s.send(b"x")


def tcp6(host6, port):
    socket.create_connection((host6, port), SECONDS)


def udp6(host6, port):
    socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", (host6, port))


def raw_udp(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
        s.sendto(struct.pack("!HHHH", 9999, port, 9, 0) + b"x", (host, 0))


def packet(host, port):
    udp = struct.pack("!HHHH", 9999, port, 9, 0) + b"x"
    address = socket.inet_aton(host)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + address + address
    total = sum(struct.unpack("!10H", head))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    head = head[:10] + struct.pack("!H", total) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as s:
        s.bind(("lo", 0x0800))
        s.sendto(head + udp, ("lo", 0x0800, 0, 0, b"\0" * 6))


def asyncio_tcp(host, port):
    asyncio.run(asyncio.wait_for(asyncio.open_connection(host, port), SECONDS))


def asyncio_udp(host, port):
    async def send():
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(host, port)
        )
        transport.sendto(b"x")
        transport.close()

    asyncio.run(send())


# -- clients and drivers -----------------------------------------------------------------------


def urllib_(host, port):
    urllib.request.urlopen(f"http://{host}:{port}/", timeout=SECONDS)


def requests_(host, port):
    import requests

    requests.get(f"http://{host}:{port}/", timeout=SECONDS)


def httpx_(host, port):
    import httpx

    httpx.get(f"http://{host}:{port}/", timeout=SECONDS)


def httpx_async(host, port):
    import httpx

    async def get():
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            await client.get(f"http://{host}:{port}/")

    asyncio.run(get())


def ftp(host, port):
    ftplib.FTP(timeout=SECONDS).connect(host, port)


def smtp(host, port):
    smtplib.SMTP(host, port, timeout=SECONDS)


def redis_(host, port):
    import redis

    redis.Redis(host, port, socket_connect_timeout=SECONDS).ping()


def mysql(host, port):
    import pymysql

    pymysql.connect(host=host, port=port, user="x", connect_timeout=SECONDS)


def ssh(host, port):
    import paramiko

    client = paramiko.SSHClient()
    client.connect(host, port, "x", "x", timeout=SECONDS, banner_timeout=SECONDS)


def postgres(host, port):
    import psycopg

    psycopg.connect(f"host={host} port={port} user=x connect_timeout={SECONDS}")


def grpc_(host, port):
    import grpc

    with grpc.insecure_channel(f"{host}:{port}") as channel:
        channel.unary_unary("/a/b")(b"", timeout=SECONDS, wait_for_ready=False)


def uvloop_tcp(host, port):
    import uvloop

    async def connect():
        await asyncio.wait_for(asyncio.open_connection(host, port), SECONDS)

    loop = uvloop.new_event_loop()
    loop.run_until_complete(connect())


# -- beneath Python ----------------------------------------------------------------------------


def ctypes_connect(host, port):
    s = socket.socket()
    libc.connect(s.fileno(), sockaddr(host, port), 16)


def ctypes_unspec(host, port):
    """Linux takes AF_UNSPEC in a sendto for AF_INET."""
    s = socket.socket(type=socket.SOCK_DGRAM)
    libc.sendto(s.fileno(), b"x", 1, 0, sockaddr(host, port, family=0), 16)


def ctypes_sendmmsg(host, port):
    """The second of two messages; the first goes to loopback."""
    kept = []

    def pointer(data):
        kept.append(ctypes.create_string_buffer(data, len(data)))
        return ctypes.addressof(kept[-1])

    messages = b""
    for where in ("127.0.0.1", host):
        vector = pointer(struct.pack("=QQ", pointer(b"x"), 1))
        address = pointer(sockaddr(where, port))
        messages += struct.pack("=QIxxxxQQQQixxxxIxxxx", address, 16, vector, 1, 0, 0, 0, 0)
    s = socket.socket(type=socket.SOCK_DGRAM)
    libc.sendmmsg(s.fileno(), ctypes.c_void_p(pointer(messages)), 2, 0)


def io_uring(host, port):
    """IORING_OP_CONNECT through a ring of one; see io_uring_setup(2)."""
    parameters = ctypes.create_string_buffer(120)
    ring = libc.syscall(425, 1, parameters)
    if ring < 0:
        raise OSError(ctypes.get_errno(), "io_uring_setup")
    tail, array = (struct.unpack_from("=I", parameters, 40 + at)[0] for at in (4, 24))
    submissions = mmap.mmap(ring, 4096, offset=0)
    entries = mmap.mmap(ring, 4096, offset=0x10000000)
    with socket.socket() as s:
        address = ctypes.create_string_buffer(sockaddr(host, port), 16)
        entry = struct.pack("=BBHiQQ", 16, 0, 0, s.fileno(), 16, ctypes.addressof(address))
        entries[: len(entry)] = entry
        submissions[array : array + 4] = bytes(4)
        submissions[tail : tail + 4] = struct.pack("=I", 1)
        libc.syscall(426, ring, 1, 1, 1, None, 0)


def int80(host, port):
    """The 32-bit system call interface from a 64-bit process: connect is 362 there."""
    if platform.machine() != "x86_64":
        raise OSError(errno.ENOSYS, "not here")
    low = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, 7)  # MAP_32BIT
    at = ctypes.addressof(ctypes.c_char.from_buffer(low))
    low[256:272] = sockaddr(host, port)
    with socket.socket() as s:
        # push rbx; eax=362; ebx=socket; ecx=address; edx=16; int 0x80; pop rbx; ret
        code = b"\x53\xb8" + struct.pack("<I", 362) + b"\xbb" + struct.pack("<I", s.fileno())
        code += b"\xb9" + struct.pack("<I", at + 256) + b"\xba" + struct.pack("<I", 16)
        low[: len(code) + 4] = code + b"\xcd\x80\x5b\xc3"
        ctypes.CFUNCTYPE(ctypes.c_int)(at)()


def native_lookup(name, _):
    libc.getaddrinfo(f"{name}.example".encode(), None, None, ctypes.byref(ctypes.c_void_p()))


# -- other processes ---------------------------------------------------------------------------


def run(*command, **options):
    subprocess.run(
        [*map(str, command)], timeout=60, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options,
    )  # fmt: skip


def python(host, port):
    run(sys.executable, "-c", CONNECT, host, port)


def python_isolated(host, port):
    run(sys.executable, "-I", "-c", CONNECT, host, port)


def python_environment_ignored(host, port):
    run(sys.executable, "-E", "-c", CONNECT, host, port)


def python_no_site(host, port):
    run(sys.executable, "-S", "-c", CONNECT, host, port)


def python_no_environment(host, port):
    run(sys.executable, "-c", CONNECT, host, port, env={})


def python_through_shell(host, port):
    os.system(f"{sys.executable} -I -c '{CONNECT}' {host} {port} 2>/dev/null")


def curl(host, port):
    run("curl", "-s", "-m", str(SECONDS), f"http://{host}:{port}/")


def curl6(host6, port):
    run("curl", "-s", "-m", str(SECONDS), f"http://[{host6}]:{port}/")


def curl_name(name, _):
    run("curl", "-s", "-m", str(SECONDS), f"http://{name}.example/")


def git(host, port):
    run("git", "ls-remote", f"http://{host}:{port}/x.git")


def bash(host, port):
    run("bash", "-c", f"echo > /dev/tcp/{host}/{port}")


def fork(host, port):
    in_child(lambda: tcp(host, port))


def exec_(host, port):
    in_child(
        lambda: os.execvp("curl", ["curl", "-s", "-m", str(SECONDS), f"http://{host}:{port}/"])
    )


def posix_spawn(host, port):
    arguments = [sys.executable, "-I", "-c", CONNECT, host, str(port)]
    os.waitpid(os.posix_spawn(sys.executable, arguments, os.environ), 0)


def daemon(host, port):
    """A grandchild in a session of its own that outlives its parent."""
    reading, writing = os.pipe()

    def child():
        os.setsid()
        if os.fork() == 0:
            curl(host, port)
            os.write(writing, b"x")

    in_child(child)
    os.close(writing)
    os.read(reading, 1)  # its end, or its word that it is done


def in_child(function):
    pid = os.fork()
    if pid == 0:
        quiet(function)
        os._exit(0)
    os.waitpid(pid, 0)


def name_lookup(name, _):
    socket.getaddrinfo(f"{name}.example", 80)


def multiprocessing_spawn(host, port):
    import multiprocessing

    process = multiprocessing.get_context("spawn").Process(target=tcp, args=(host, port))
    process.start()
    process.join(60)


HOST_ROADS = (
    tcp, tcp_connect_ex, tcp_thread, tcp_fastopen, tcp_fastopen_sendmsg, tcp_mapped, udp_sendto,
    udp_sendmsg, udp_connected, raw_udp, packet, asyncio_tcp, asyncio_udp, urllib_, requests_,
    httpx_, httpx_async, ftp, smtp, redis_, mysql, ssh, postgres, grpc_, uvloop_tcp, ctypes_connect,
    ctypes_unspec, ctypes_sendmmsg, io_uring, int80, python, python_isolated,
    python_environment_ignored, python_no_site, python_no_environment, python_through_shell, curl,
    git, bash, fork, exec_, posix_spawn, daemon, multiprocessing_spawn,
)  # fmt: skip
HOST6_ROADS = (tcp6, udp6, curl6)
NAME_ROADS = (name_lookup, native_lookup, curl_name)
ROADS = (*HOST_ROADS, *HOST6_ROADS, *NAME_ROADS)
NAMES = [road.__name__ for road in ROADS]


def quiet(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:  # noqa: BLE001
        print(f"{getattr(function, '__name__', '')}: {type(error).__name__}: {error}"[:300])


def main():
    host, host6, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
    wanted = sys.argv[4:] or NAMES
    for number, road in enumerate(ROADS):
        if road.__name__ not in wanted:
            continue
        target = host6 if road in HOST6_ROADS else host
        name = road.__name__.replace("_", "-") if road in NAME_ROADS else target
        quiet(road, name, first + number)


if __name__ == "__main__":
    main()
