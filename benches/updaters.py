"""The updaters that are compared: their commands and their configurations for one and the same work."""

import re
import subprocess
from pathlib import Path

USER, PASSWORD = "u", "secret-of-the-bench"
# inadyn leaves out every name after the fiftieth of a block.
INADYN_BLOCK = 50


def names(count):
    return [f"host{number}.example.org" for number in range(1, count + 1)]


def quoted(words):
    return ", ".join(f'"{word}"' for word in words)


class Updater:
    """One updater. `shortest` and `usual` are its polling intervals in seconds: the shortest it takes, and the default."""

    shortest = usual = None

    def __init__(self, binary):
        self.binary = binary

    def missing(self):
        """Why it cannot take part, or None."""
        return None if self.binary.exists() else f"{self.binary} is not there"

    def environment(self, ca):
        return {}

    def version(self):
        output = subprocess.run(self.version_command(), capture_output=True, text=True)
        found = re.search(r"\d+\.\d+[\w.+-]*", output.stdout + output.stderr)
        return found.group(0) if found else "?"


class Driftless(Updater):
    name = "driftless"

    def version_command(self):
        return [self.binary, "--version"]

    def configure(self, folder, server, count, ca=None, interval=None):
        """Writes the configuration; the one place that knows Driftless's keys."""
        password, file = folder / "password", folder / "driftless.toml"
        password.write_text(PASSWORD + "\n")
        password.chmod(0o600)
        file.write_text(
            f"""
state_dir = "{folder / 'state'}"

[account.bench]
provider = "dyndns2"
server = "{server.url}"
username = "{USER}"
password = {{ file = "{password}" }}

[address.default]
ipv4 = {{ interface = "wan0" }}
ipv6 = false

[[record]]
names = [{quoted(names(count))}]
account = "bench"
private = true
"""
        )
        (folder / "state").mkdir(mode=0o700, exist_ok=True)
        self.once = [self.binary, "--config", file, "once"]
        self.run = [self.binary, "--config", file, "run"]

    def configure_lan(self, folder, count):
        """A router that publishes so many machines of its LAN in a zone file."""
        file, zone = folder / "driftless.toml", folder / "zone"
        records = "".join(
            f"""
[[record]]
name = "{name}"
account = "bench"
ipv4 = "off"
ipv6 = {{ prefix = {{ interface = "lan0" }}, host = "::1:{number:x}" }}
"""
            for number, name in enumerate(names(count))
        )
        file.write_text(
            f"""
state_dir = "{folder / 'state'}"

[account.bench]
provider = "zonefile"
path = "{zone}"
zone = "example.org"
{records}"""
        )
        (folder / "state").mkdir(mode=0o700, exist_ok=True)
        self.run = [self.binary, "--config", file, "run"]
        return zone

    def environment(self, ca):
        return {"SSL_CERT_FILE": str(ca.bundle)} if ca else {}


class Inadyn(Updater):
    name = "inadyn"
    shortest, usual = 1, 60

    def version_command(self):
        return [self.binary, "--version"]

    def configure(self, folder, server, count, ca=None, interval=None):
        file = folder / "inadyn.conf"
        all_names = names(count)
        blocks = [all_names[at : at + INADYN_BLOCK] for at in range(0, count, INADYN_BLOCK)]
        text = f"period = {interval or self.usual}\niface = wan0\nverify-address = false\n"
        if ca:
            text += f'ca-trust-file = "{ca.bundle}"\n'
        for number, block in enumerate(blocks, 1):
            text += f"""
custom bench:{number} {{
    ssl = {"true" if ca else "false"}
    username = {USER}
    password = {PASSWORD}
    ddns-server = 127.0.0.1:{server.port}
    ddns-path = "/nic/update?hostname=%h&myip=%i"
    hostname = {{ {quoted(block)} }}
}}
"""
        file.write_text(text)
        common = [self.binary, "--foreground", "--no-pidfile", "--config", file, "--cache-dir", folder]
        self.once = [*common, "--once"]
        self.run = common


class Ddclient(Updater):
    name = "ddclient"
    shortest, usual = 60, 300

    def version_command(self):
        return [self.binary, "-help"]

    def configure(self, folder, server, count, ca=None, interval=None):
        file = folder / "ddclient.conf"
        text = f"protocol=dyndns2\nuse=if, if=wan0\nserver=127.0.0.1:{server.port}\nlogin={USER}\npassword={PASSWORD}\n"
        text += f"ssl=yes\nssl_ca_file={ca.bundle}\n" if ca else "ssl=no\n"
        file.write_text(text + "\n".join(names(count)) + "\n")
        file.chmod(0o600)
        common = [self.binary, "-foreground", "-file", file, "-cache", folder / "cache", "-pid", folder / "pid"]
        self.once = [*common, "-daemon", "0"]
        self.run = [*common, "-daemon", str(interval or self.usual)]

    def missing(self):
        if super().missing():
            return super().missing()
        if subprocess.run(["perl", "-MIO::Socket::SSL", "-e", "1"], capture_output=True).returncode != 0:
            return "Perl has no IO::Socket::SSL (Debian: libio-socket-ssl-perl)"
        return None


def all_updaters(driftless):
    return [Driftless(Path(driftless).resolve()), Inadyn(Path("/usr/sbin/inadyn")), Ddclient(Path("/usr/bin/ddclient"))]
