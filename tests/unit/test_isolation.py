"""What the filter asks about, where an address leads, and what is shown of a process."""

from __future__ import annotations

import ctypes
import errno
import os
import queue
import socket
import struct
import threading

import pytest

from recordbake.errors import IsolationError
from recordbake.isolation import barriers, bpf, supervisor
from recordbake.isolation.abi import MACHINES
from recordbake.isolation.addresses import Destination, Policy, parse, system_resolvers
from recordbake.isolation.processes import shown

ALLOW, ASK = bpf.ALLOW, bpf.NOTIFY
UNKNOWN = bpf.refuse(errno.ENOSYS)
NO_FAMILY = bpf.refuse(errno.EAFNOSUPPORT)
INET = socket.AF_INET


def run(code, arch, number, *arguments):
    """Interpret a filter; see bpf(4) and struct seccomp_data."""
    data = struct.pack("=IIQ", number & 0xFFFFFFFF, arch, 0)
    data += struct.pack("=6Q", *arguments, *[0] * (6 - len(arguments)))
    at, word = 0, 0
    while True:
        operation, yes, no, value = struct.unpack_from("=HBBI", code, at * 8)
        at += 1
        if operation == 0x20:
            word = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x15:
            at += yes if word == value else no
        elif operation == 0x35:
            at += yes if word >= value else no
        else:
            assert operation == 0x06
            return value


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_the_filter_asks_about_every_call_that_may_name_an_address(machine):
    code = bpf.program(machine)
    for abi in machine.abis:

        def ask(number, *arguments, arch=abi.arch):
            return run(code, arch, number, *arguments)

        assert [ask(n) for n in (abi.connect, abi.sendmsg, abi.sendmmsg)] == [ASK] * 3
        assert ask(abi.sendto, 3, 1, 1, 0, 0x1000, 16) == ASK
        assert ask(abi.sendto, 3, 1, 1, 0, 1 << 32, 16) == ASK  # an address above 4 GiB
        assert ask(abi.sendto, 3, 1, 1, 0, 0, 0) == ALLOW
        assert ask(abi.io_uring_setup, 8, 0x1000) == UNKNOWN
        allowed = (socket.AF_UNIX, INET, socket.AF_INET6, 16, 38)
        assert [ask(abi.socket, f, 1, 0) for f in allowed] == [ALLOW] * 5
        assert ask(abi.socket, INET | 1 << 32, 1, 0) == ALLOW  # an int: the kernel drops the rest
        assert ask(abi.socket, INET, 1, bpf.IPPROTO_SCTP) == ASK
        assert [ask(abi.socket, f, 3, 0) for f in (bpf.AF_PACKET, bpf.AF_VSOCK)] == [ASK] * 2
        assert ask(abi.socket, 4, 1, 0) == NO_FAMILY  # AF_IPX, as ifconfig tries
        assert ask(1000) == ALLOW
    assert run(code, machine.abis[0].arch, 0x40000000 + 42) == UNKNOWN  # x32
    assert run(code, machine.abis[1].arch, 102, 3) == UNKNOWN  # socketcall
    assert run(code, 0xC0000015, 42) == UNKNOWN  # another architecture


def inet(host, port, family=INET):
    return struct.pack("=H", family) + struct.pack("!H", port) + socket.inet_aton(host) + bytes(8)


def inet6(host, port):
    head = struct.pack("=H", socket.AF_INET6) + struct.pack("!HI", port, 0)
    return head + socket.inet_pton(socket.AF_INET6, host) + bytes(4)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (inet("192.0.2.1", 80), Destination("192.0.2.1", 80)),
        (inet("127.8.0.1", 80), Destination("127.8.0.1", 80, local=True)),
        (inet("0.0.0.0", 80), Destination("0.0.0.0", 80, local=True)),
        (inet("127.0.0.53", 53), Destination("127.0.0.53", 53, local=True, looks_up=True)),
        (inet6("2001:db8::1", 80), Destination("2001:db8::1", 80)),
        (inet6("::1", 80), Destination("::1", 80, local=True)),
        (inet6("::ffff:192.0.2.1", 80), Destination("192.0.2.1", 80)),
        (inet6("::ffff:127.0.0.1", 80), Destination("127.0.0.1", 80, local=True)),
        (b"\1\0/run/x.sock\0rest", Destination("/run/x.sock", local=True)),
        (b"\1\0\0abstract", Destination("", local=True)),
        (b"\1\0/var/run/nscd/socket\0",
         Destination("/var/run/nscd/socket", local=True, looks_up=True)),
        (struct.pack("=H", 40) + bytes(14), Destination("address family 40")),
        (inet("192.0.2.1", 80)[:7], None),
        (b"", None),
    ],
)  # fmt: skip
def test_where_an_address_leads(data, expected):
    assert parse(data, sending=False) == expected
    assert parse(data, sending=True) == expected


def test_an_unspecified_family_disconnects_or_means_the_internet():
    data = inet("192.0.2.1", 80, family=0)
    assert parse(data, sending=False) is None
    assert parse(data, sending=True) == Destination("192.0.2.1", 80)


def allowed(policy, host, port=80, **fields):
    return policy.allows(Destination(host, port, looks_up=port == 53, **fields))


def test_a_policy_lets_this_machine_and_what_is_configured_pass(monkeypatch):
    found = {"db.internal": ["192.0.2.7"]}

    def getaddrinfo(host, _):
        return [(2, 1, 6, "", (address, 0)) for address in found[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    plain = Policy([], own=["192.0.2.9"], resolvers=["192.0.2.53"])
    assert allowed(plain, "127.0.0.1", local=True)
    assert allowed(plain, "192.0.2.9")
    assert not allowed(plain, "192.0.2.7")
    assert not allowed(plain, "127.0.0.53", 53, local=True)
    named = Policy(["DB.internal", "192.0.2.8", "[2001:DB8::1]"], resolvers=["192.0.2.53"])
    assert [allowed(named, h) for h in ("192.0.2.7", "192.0.2.8", "2001:db8::1")] == [True] * 3
    assert not allowed(named, "192.0.2.1")
    # a name has to be looked up, by the system's own name servers
    assert allowed(named, "192.0.2.53", 53)
    assert allowed(named, "127.0.0.53", 53, local=True)
    assert not allowed(named, "192.0.2.1", 53)
    assert allowed(Policy(["127.0.0.53"]), "127.0.0.53", 53, local=True)


def test_name_servers_are_read_from_resolv_conf(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text("# nameserver 1.1.1.1\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\n")
    assert system_resolvers(path) == {"127.0.0.53", "fe80::1"}
    assert system_resolvers(tmp_path / "none") == frozenset()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["/usr/bin/curl", "-s", "http://u:p@h/?token=abc"], "curl -s http://h/?token=REDACTED"),
        (["curl", "-H", "Authorization: Bearer x", "h"], "curl -H REDACTED h"),
        (["curl", "-u", "me:secret", "h"], "curl -u REDACTED h"),
        (["tool", "--api-token=abc", "--key", "x"], "tool --api-token=REDACTED --key REDACTED"),
        (["wget", "--header=x", "Cookie: a=b"], "wget --header=x Cookie:REDACTED"),
        (["python", "-c", "token = 'x'", "-v"], "python -c ... -v"),
        ([], ""),
    ],
)  # fmt: skip
def test_a_command_line_is_shown_without_secrets(words, text):
    assert shown(words) == text


def test_a_long_command_line_is_cut():
    assert len(shown(["a" * 5000])) < 600


def offer(monkeypatch, **reasons):
    for name in ("seccomp", "namespace"):
        reason = reasons.get(name)
        found = barriers.Availability(
            name, ok=reason is None, reason=reason or "", remedy="mend it"
        )
        monkeypatch.setattr(barriers, f"_try_{name}", lambda found=found: found)


@pytest.mark.parametrize(
    ("wanted", "missing", "chosen"),
    [
        ("auto", [], "seccomp"),
        ("kernel", [], "seccomp"),
        ("seccomp", [], "seccomp"),
        ("namespace", [], "namespace+seccomp"),
        ("process", [], "process"),
        ("auto", ["seccomp"], "namespace"),
        ("kernel", ["seccomp"], "namespace"),
        ("namespace", ["seccomp"], "namespace"),
        ("auto", ["seccomp", "namespace"], "process"),
    ],
)
def test_which_barrier_is_chosen(monkeypatch, wanted, missing, chosen):
    offer(monkeypatch, **dict.fromkeys(missing, "it is forbidden"))
    barrier = barriers.choose(wanted)
    assert barrier.name == chosen
    assert barrier.is_kernel is (chosen != "process")
    assert ("it is forbidden" in barrier.reason) is bool(missing)


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [("kernel", ["seccomp", "namespace"]), ("seccomp", ["seccomp"]), ("namespace", ["namespace"])],
)
def test_a_barrier_that_is_asked_for_and_missing_is_refused(monkeypatch, wanted, missing):
    offer(monkeypatch, **dict.fromkeys(missing, "it is forbidden"))
    with pytest.raises(IsolationError, match="it is forbidden") as raised:
        barriers.choose(wanted)
    assert raised.value.exit_code == 2
    assert "mend it" in raised.value.next_step


def test_a_configured_host_that_is_no_name_lets_nothing_pass():
    for host in (".internal.example", "a..b", "x" * 70):
        assert not Policy([host]).allows(Destination("192.0.2.1", 80))


def test_a_question_that_cannot_be_judged_is_refused_and_the_next_one_answered(monkeypatch):
    machine = next(iter(MACHINES.values()))
    abi = machine.abis[0]
    number = next(number for number, name in abi.names.items() if name == "connect")
    address = ctypes.create_string_buffer(inet("192.0.2.1", 80), 16)
    words = [ctypes.addressof(address), 16, 0, 0, 0]
    asked, ask = os.pipe()
    answers = queue.Queue()

    def ioctl(descriptor, request, data, *_):
        if request == supervisor._RECV:
            os.read(descriptor, 1)
            question = (7, threading.get_native_id(), 0, number, abi.arch, 0, 3, *words)
            data[:] = supervisor._NOTIFICATION.pack(*question)
        elif request == supervisor._SEND:
            answers.put(supervisor._RESPONSE.unpack(data))

    class Broken:
        is_slow = False

        def allows(self, to):
            raise ValueError(to)

    monkeypatch.setattr(supervisor.fcntl, "ioctl", ioctl)
    watch = supervisor.Supervisor(asked, machine, Broken(), lambda _: None)
    for _ in range(2):
        os.write(ask, b"?")
        assert answers.get(timeout=30) == (7, 0, -errno.EACCES, 0)
    watch.close()
    os.close(ask)


def test_who_asks_for_this_machine_does_not_wait_until_a_name_is_looked_up(monkeypatch):
    machine = next(iter(MACHINES.values()))
    abi = machine.abis[0]
    number = next(number for number, name in abi.names.items() if name == "connect")
    kept = [ctypes.create_string_buffer(inet(h, 80), 16) for h in ("192.0.2.1", "127.0.0.1")]
    asked, ask = os.pipe()
    questions, answers, looked_up = queue.Queue(), queue.Queue(), threading.Event()

    def ioctl(descriptor, request, data, *_):
        if request == supervisor._RECV:
            os.read(descriptor, 1)
            n = questions.get()
            words = [ctypes.addressof(kept[n]), 16, 0, 0, 0]
            thread = threading.get_native_id()
            data[:] = supervisor._NOTIFICATION.pack(n, thread, 0, number, abi.arch, 0, 3, *words)
        elif request == supervisor._SEND:
            answers.put(supervisor._RESPONSE.unpack(data))

    def slow(*_):
        looked_up.wait(60)
        raise OSError

    monkeypatch.setattr(supervisor.fcntl, "ioctl", ioctl)
    monkeypatch.setattr("socket.getaddrinfo", slow)
    watch = supervisor.Supervisor(asked, machine, Policy(["slow.example"]), lambda _: None)
    for n in (0, 1):
        questions.put(n)
        os.write(ask, b"?")
    assert answers.get(timeout=30)[:3] == (1, 0, 0)
    assert answers.empty()
    looked_up.set()
    assert answers.get(timeout=30)[:3] == (0, 0, -errno.ENETUNREACH)
    watch.close()
    os.close(ask)
