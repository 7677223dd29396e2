"""What an updater runs on: a network namespace with an interface `wan0`, the local server in it, a folder, a local CA."""

import ctypes
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLONE_NEWNET = 0x40000000
# The host's trust roots: real machines have some 140, and reading them costs time and memory.
HOST_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")


def call(*command, **more):
    """Runs a command that must succeed; its output is text."""
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def enter_namespace():
    """Puts this process, and so all that it starts, into a new network namespace that ends with them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "a network namespace cannot be made (needs root, or `unshare -rn`)")
    call("ip", "link", "set", "lo", "up")
    # Without IPv6 no updater takes the link-local address for one to publish.
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
    call("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "isp0")
    call("ip", "link", "set", "isp0", "up")
    call("ip", "link", "set", "wan0", "up")


class Interface:
    """`wan0`, whose address changes. `ip` is kept running, so that a change takes microseconds, not a process."""

    def __init__(self):
        self.number = 1
        call("ip", "addr", "flush", "dev", "wan0")
        call("ip", "addr", "add", f"{self.address}/16", "dev", "wan0")
        self.ip = subprocess.Popen(["ip", "-force", "-batch", "-"], stdin=subprocess.PIPE, bufsize=0)

    @property
    def address(self):
        return f"10.77.{self.number // 250}.{self.number % 250 + 1}"

    def change(self):
        """Another address in the place of the old one; answers when that began, in monotonic ns."""
        old = self.address
        self.number += 1
        commands = f"addr del {old}/16 dev wan0\naddr add {self.address}/16 dev wan0\n".encode()
        at = time.monotonic_ns()
        self.ip.stdin.write(commands)
        return at

    def close(self):
        self.ip.stdin.close()
        self.ip.wait()


class Lan:
    """`lan0`, the LAN of a router, whose IPv6 prefix changes. Its addresses are nobody's within this namespace."""

    def __init__(self):
        self.number = 1
        call("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "host0")
        call("ip", "link", "set", "host0", "up")
        Path("/proc/sys/net/ipv6/conf/lan0/disable_ipv6").write_text("0")
        call("ip", "link", "set", "lan0", "up")
        call("ip", "addr", "add", f"{self.prefix}::1/64", "dev", "lan0", "nodad")

    @property
    def prefix(self):
        return f"2a00:db8:{self.number:x}"

    def renumber(self):
        """Another prefix in the place of the old one; answers when that began, in monotonic ns."""
        old = self.prefix
        self.number += 1
        call("ip", "addr", "add", f"{self.prefix}::1/64", "dev", "lan0", "nodad")
        at = time.monotonic_ns()
        call("ip", "addr", "del", f"{old}::1/64", "dev", "lan0")
        return at

    def close(self):
        call("ip", "link", "del", "lan0")


class Server:
    """The local dyndns2 server, and what it reports."""

    def __init__(self, delay=0, ca=None):
        command = [sys.executable, str(HERE / "server.py"), "--delay", str(delay)]
        if ca:
            command += ["--tls", str(ca.certificate), str(ca.key)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline())
        self.url = f"{'https' if ca else 'http'}://127.0.0.1:{self.port}"
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def update(self, address, timeout):
        """The first accepted update to `address` that has not been asked for yet, or None."""
        end = time.monotonic() + timeout
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            if line["status"] == 200 and line["address"] == address:
                return line

    def all(self):
        """Everything reported and not asked for yet."""
        time.sleep(0.2)
        found = []
        while not self.lines.empty():
            found.append(self.lines.get())
        return found

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ca:
    """A certificate authority of our own, a certificate for 127.0.0.1, and the authorities to trust."""

    def __init__(self, folder, with_host):
        self.key, self.certificate, self.bundle = folder / "key.pem", folder / "certificate.pem", folder / "roots.pem"
        root, root_key, request = folder / "root.pem", folder / "root-key.pem", folder / "request.pem"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        call("openssl", "req", "-x509", *curve, "-keyout", root_key, "-out", root, "-days", "2", "-subj", "/CN=bench root",
             "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        call("openssl", "req", *curve, "-keyout", self.key, "-out", request, "-subj", "/CN=127.0.0.1")
        extensions = folder / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        call("openssl", "x509", "-req", "-in", request, "-CA", root, "-CAkey", root_key, "-CAcreateserial", "-days", "2",
             "-out", self.certificate, "-extfile", extensions)
        host = HOST_ROOTS.read_text() if with_host and HOST_ROOTS.exists() else ""
        self.bundle.write_text(host + root.read_text())


class Process:
    """A started updater: when it was started, and its end."""

    def __init__(self, command, environment, log):
        # Whom this shell trusts is nothing to the bench.
        ours = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT_")}
        with open(log, "ab") as out:
            self.started = time.monotonic_ns()
            self.process = subprocess.Popen(command, env={**ours, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.pid = self.process.pid

    def wait(self, timeout):
        """The exit status and the time it took in ns; the status is None where it did not end in time."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        return status, time.monotonic_ns() - self.started

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Folder:
    """A new folder, in memory unless the disk is asked for; gone at the end."""

    def __init__(self, disk=False):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.path = Path(tempfile.mkdtemp(prefix="driftless-bench-", dir="/var/tmp" if disk else memory))

    def close(self):
        shutil.rmtree(self.path, ignore_errors=True)
