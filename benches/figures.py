"""The figures: each measures one updater once, in a fresh folder and with a fresh server, and gives numbers by row.

A function yields `(row, number)` pairs; a row that could not be measured is left out, and the reason raised as `Skipped`.
"""

import os
import random
import re
import shutil
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path

from bed import Folder, Lan, Process, Server

MS, KB, MB = 1e6, 1024, 1e6


class Skipped(Exception):
    """Why a figure has no number."""


class Bench:
    """One updater set up against one server, with one address; closed in the reverse order."""

    def __init__(self, updater, interface, count=1, ca=None, delay=0, interval=None, disk=False):
        self.updater, self.interface, self.ca = updater, interface, ca
        with ExitStack() as stack:
            self.folder = stack.enter_context(closing(Folder(disk))).path
            self.server = stack.enter_context(closing(Server(delay, ca)))
            updater.configure(self.folder, self.server, count, ca, interval)
            self.stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self, command, **environment):
        environment = {**self.updater.environment(self.ca), **environment}
        return self.stack.enter_context(closing(Process(command, environment, self.folder / "log")))

    def updated(self, timeout):
        """The update to the interface's address."""
        line = self.server.update(self.interface.address, timeout)
        if line is None:
            raise Skipped(f"no update within {timeout:.0f} s; the end of its log: {self.log()}")
        return line

    def log(self):
        lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "empty"


def event(updater, interface, options):
    """An interface's address changes: how long until the request, and until it was answered."""
    interval = updater.shortest
    with Bench(updater, interface, interval=interval) as bench:
        bench.start(bench.updater.run)
        bench.updated(60 + (interval or 0))
        # Something that polls is met anywhere in its interval; something that waits for events has gone to sleep by then.
        time.sleep(random.uniform(0, interval) if interval else 2)
        at = interface.change()
        line = bench.updated(30 + 2 * (interval or 0))
        if line["accepted"] > at:
            yield "event to connection, ms", (line["accepted"] - at) / MS
        yield "event to request, ms", (line["arrived"] - at) / MS
        yield "event to update, ms", (line["answered"] - at) / MS


def start(updater, interface, options):
    """From the start of the program to its first update: one shot and daemon, HTTP and HTTPS."""
    for scheme, ca in (("HTTP", None), ("HTTPS", options.ca)):
        for way in ("once", "run"):
            with Bench(updater, interface, ca=ca) as bench:
                process = bench.start(getattr(updater, way))
                line = bench.updated(60)
                yield f"start to update, `{way}`, {scheme}, ms", (line["answered"] - process.started) / MS


def idle(updater, interface, options):
    """What happens in a time when nothing changes; the state is on a disk."""
    with Bench(updater, interface, disk=True) as bench:
        process = bench.start(updater.run)
        bench.updated(60)
        time.sleep(5)
        bench.server.all()
        before = counters(process.pid), written(bench.folder)
        time.sleep(options.idle)
        after = counters(process.pid), written(bench.folder)
        names = ("switches", "write calls", "octets to disk")
        values = {name: new - old for name, new, old in zip(names, after[0], before[0])}
        yield f"wake-ups in {options.idle} s", values["switches"]
        yield f"write calls in {options.idle} s", values["write calls"]
        yield f"disk writes in {options.idle} s, kB", values["octets to disk"] / KB
        yield f"files changed in {options.idle} s", len(set(after[1].items()) - set(before[1].items()))
        yield f"requests in {options.idle} s", len(bench.server.all())


def counters(pid):
    """Context switches of all threads; write calls and octets to disk of the process and its ended children."""
    switches = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        switches += sum(int(number) for number in re.findall(r"ctxt_switches:\s*(\d+)", status.read_text()))
    io = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return switches, int(io["syscw"]), int(io["write_bytes"])


def written(folder):
    """The files in a folder and when each was last written; a log is written too."""
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob("*") if path.is_file()}


def memory(updater, interface, options):
    """What the daemon holds five seconds after its first update over TLS, and what is loaded for it."""
    with Bench(updater, interface, ca=options.ca) as bench:
        process = bench.start(updater.run)
        bench.updated(60)
        time.sleep(5)
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        for row in ("Rss", "Pss"):
            yield f"{row.upper()} after TLS, kB", int(re.search(rf"^{row}:\s*(\d+) kB", rollup, re.M).group(1))
        yield "threads after TLS", len(list(Path(f"/proc/{process.pid}/task").iterdir()))
        peak = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(), re.M)
        yield "peak RSS, kB", int(peak.group(1))
        binary, loaded = stripped(updater.binary, bench.folder), mapped(process.pid) - {updater.binary.resolve()}
    yield "binary, stripped, MB", binary / MB
    if updater.name == "ddclient":
        loaded |= perl_modules(updater, interface, options)
    yield "shared libraries and run time, MB", sum(path.stat().st_size for path in loaded) / MB


def stripped(binary, folder):
    """The size of a binary without symbols, in octets; of a script, as it is."""
    copy = folder / "stripped"
    shutil.copy(binary, copy)
    if shutil.which("strip"):
        subprocess.run(["strip", copy], capture_output=True)  # a script is no object file, and stays as it is
    return copy.stat().st_size


def mapped(pid):
    """The files whose code a process has mapped."""
    lines = (line.split(maxsplit=5) for line in Path(f"/proc/{pid}/maps").read_text().splitlines())
    paths = (Path(fields[5]) for fields in lines if len(fields) == 6 and "x" in fields[1])
    return {path.resolve() for path in paths if path.is_file()}


def perl_modules(updater, interface, options):
    """The Perl files that an update over TLS reads."""
    with Bench(updater, interface, ca=options.ca) as bench:
        found, module = bench.folder / "found", bench.folder / "Loaded.pm"
        module.write_text(f'package Loaded; END {{ open my $f, ">", "{found}"; print $f "$_\\n" for values %INC }} 1;\n')
        bench.start(updater.once, PERL5OPT=f"-I{bench.folder} -MLoaded").wait(60)
        if not found.exists():
            raise Skipped(f"Perl did not say what it loaded: {bench.log()}")
        return {Path(line).resolve() for line in found.read_text().splitlines() if line.startswith("/")} - {module}


def many(updater, interface, options):
    """Many names at a server that takes 20 ms a request: time, requests, connections."""
    for count in options.names:
        with Bench(updater, interface, count=count, delay=20) as bench:
            status, took = bench.start(updater.once).wait(180)
            lines = bench.server.all()
            asked = {name for line in lines if line["status"] == 200 for name in line["names"]}
            if status is None or len(asked) < count:
                yield f"{count} names: updated", len(asked)
                raise Skipped(f"{len(asked)} of {count} names (exit {status}); the end of its log: {bench.log()}")
            yield f"{count} names: time, ms", took / MS
            yield f"{count} names: requests", len(lines)
            yield f"{count} names: connections", len({line["connection"] for line in lines})


def lan(updater, interface, options):
    """A router with 1,000 names of its LAN gets another prefix: how long until the zone file has it, and what that takes."""
    if updater.name != "driftless":
        raise Skipped("it publishes no other machines")
    count, rounds = 1000, 3
    with closing(Folder()) as folder, closing(Lan()) as network:
        zone = updater.configure_lan(folder.path, count)
        with closing(Process(updater.run, {}, folder.path / "log")) as process:
            renumbered(zone, network.prefix, count, 60)
            time.sleep(5)
            before, spent = serial(zone), processor(process.pid)
            for _ in range(rounds):
                at = network.renumber()
                yield f"{count} LAN names renumbered, ms", (renumbered(zone, network.prefix, count, 60) - at) / MS
                time.sleep(2)
            yield f"{count} LAN names renumbered: processor time, ms", (processor(process.pid) - spent) / rounds
            yield f"{count} LAN names renumbered: writes", (serial(zone) - before) / rounds
            peak = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{process.pid}/status").read_text(), re.M)
            yield f"{count} LAN names: peak RSS, kB", int(peak.group(1))
        # Counted apart, because a log that tells of each source and record takes time.
        log = folder.path / "log.debug"
        with closing(Process([*updater.run, "--log", "driftless=debug"], {}, log)):
            time.sleep(10)
            network.renumber()
            renumbered(zone, network.prefix, count, 60)
            time.sleep(2)
        yield f"{count} LAN names renumbered: detections", log.read_text().count(f"says {network.prefix}::1")


def renumbered(zone, prefix, count, timeout):
    """When the zone file had an address of this prefix for every name, in monotonic ns."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        # It is replaced as a whole, so that a part of the new one is never seen.
        text = zone.read_text() if zone.exists() else ""
        at = time.monotonic_ns()
        if text.count(f"{prefix}::") == count:
            return at
        time.sleep(0.001)
    raise Skipped(f"the zone file was not renumbered within {timeout} s")


def serial(zone):
    """The serial number of a zone file: it is raised by one with each write."""
    return int(re.search(r"SOA\D+?(\d+)", zone.read_text()).group(1))


def processor(pid):
    """The processor time of a process so far, in ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


# By the word of `--only`.
ALL = {"event": event, "start": start, "idle": idle, "memory": memory, "names": many, "lan": lan}
