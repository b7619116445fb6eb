"""Measures what `tests/load/run` says. Every scenario runs its variants one after the other, round by round; figures are
medians over the rounds, so that a disturbance of the machine hits all variants alike or one round only."""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

import document
from programs import WORK, Upstream, baseline, nginx, signing_proxy

MIB = 1024 * 1024
SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


class Run:
    """One call of the script: how long, how often, against which service."""

    def __init__(self, arguments, upstream):
        self.upstream = upstream
        self.rounds = 1 if arguments.quick else arguments.rounds
        self.seconds = 2 if arguments.quick else arguments.seconds
        self.large = (64 if arguments.quick else 1024) * MIB
        self.uploads = 10 if arguments.quick else 100

    def compare(self, variants, measure):
        """`{variant: {figure: median}}`; a new process for each measurement."""
        rows = {name: [] for name in variants}
        for _ in range(self.rounds):
            for name, start in variants.items():
                with start() as program:
                    rows[name].append(measure(program))
        return {name: medians(several) for name, several in rows.items()}

    def variants(self, service="s3", payload="auto"):
        return {
            "signing": lambda: signing_proxy(self.upstream, service, payload),
            "baseline": lambda: baseline(f"https://127.0.0.1:{self.upstream.port}"),
            "nginx": lambda: nginx(self.upstream),
        }


def medians(several):
    return {figure: statistics.median(row[figure] for row in several) for figure in several[0]}


def wrk(program, path, connections, seconds, script=None):
    """Requests one after the other on so many connections, as fast as responses come."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script or "")
        lua.write(
            'done = function(s, l) io.write(string.format("RESULT %d %d %d %d %d\\n", s.requests, s.duration,'
            " l:percentile(50), l:percentile(99),"
            " s.errors.connect + s.errors.read + s.errors.write + s.errors.status + s.errors.timeout)) end\n"
        )
        lua.flush()
        before = program.cpu()
        output = subprocess.run(
            [*command, "-s", lua.name, f"http://127.0.0.1:{program.port}{path}"], check=True, capture_output=True, text=True
        ).stdout
        cpu = program.cpu() - before
    requests, duration, p50, p99, errors = map(int, re.search(r"RESULT (.*)", output).group(1).split())
    if errors:
        raise RuntimeError(f"{program.name}: {errors} of {requests} requests failed")
    return {
        "requests_per_second": requests / duration * 1e6,
        "cpu_us_per_request": cpu / requests * 1e6,
        "p50_us": p50,
        "p99_us": p99,
        "peak_mib": program.memory() / MIB,
    }


def warm(program, path):
    wrk(program, path, 64, 1)


@scenario
def get_1kib(run):
    """GET 1 KiB, 64 connections"""

    def measure(program):
        warm(program, "/bucket/1024")
        return wrk(program, "/bucket/1024", 64, run.seconds)

    return run.compare(run.variants(), measure)


@scenario
def post_4kib(run):
    """POST 4 KiB to Bedrock, 64 connections"""
    script = 'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = string.rep("x", 4096)\n'

    def measure(program):
        path = "/model/some.model-v1%3A0/invoke"
        warm(program, path)
        return wrk(program, path, 64, run.seconds, script)

    return run.compare(run.variants("bedrock-runtime"), measure)


@scenario
def constant_rate(run):
    """GET 1 KiB, 2,000 requests a second, 64 connections"""

    def measure(program):
        warm(program, "/bucket/1024")
        url = f"http://127.0.0.1:{program.port}/bucket/1024"
        command = [os.environ["LOAD_TOOL"], "rate", url, "2000", str(run.seconds), "64"]
        report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        if report.pop("failed"):
            raise RuntimeError(f"{program.name}: requests failed")
        return report

    return run.compare(run.variants(), measure)


@scenario
def connections(run):
    """Upstream connections that 10,000 requests of 256 clients open"""

    def measure(program):
        before = run.upstream.counts()
        wrk(program, "/bucket/1024", 256, run.seconds)
        after = run.upstream.counts()
        requests = after["requests"] - before["requests"]
        opened = after["connections"] - before["connections"]
        resumed = after["resumed"] - before["resumed"]
        return {"opened": opened, "resumed": resumed, "opened_per_10000": opened / requests * 10_000}

    return run.compare(run.variants(), measure)


def transfer(program, size, arguments):
    """One request with curl: CPU, peak memory, speed, time to the first byte of the response."""
    before, begun = program.cpu(), time.perf_counter()
    command = ["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{time_starttransfer}", "-H", "Expect:", *arguments]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - begun
    return {
        "cpu_s": program.cpu() - before,
        "peak_mib": program.memory() / MIB,
        "mib_per_second": size / MIB / seconds,
        "first_byte_ms": float(output) * 1000,
    }


def hashing(size):
    """CPU of the body's SHA-256 alone."""
    before = os.times()
    subprocess.run([os.environ["LOAD_TOOL"], "sha256", str(size)], check=True)
    after = os.times()
    return {"cpu_s": after.children_user + after.children_system - before.children_user - before.children_system}


def sparse(size):
    file = WORK / f"zeros-{size}"
    with file.open("wb") as zeros:
        zeros.truncate(size)
    return file


def put(run, payload):
    file = sparse(run.large)

    def measure(program):
        return transfer(program, run.large, ["-T", file, f"http://127.0.0.1:{program.port}/bucket/key"])

    return run.compare(run.variants(payload=payload), measure)


@scenario
def put_signed_chunks(run):
    """PUT 1 GiB in signed chunks"""
    # What no signature of the bytes can do without.
    bare = {"bare SHA-256": medians([hashing(run.large) for _ in range(run.rounds)])}
    return put(run, "streaming") | bare


@scenario
def put_trailer(run):
    """PUT 1 GiB in signed chunks with a checksum behind them"""
    return put(run, "streaming-trailer")


@scenario
def put_unsigned_trailer(run):
    """PUT 1 GiB in chunks without signatures, with a checksum behind them"""
    return put(run, "unsigned-trailer")


@scenario
def put_unsigned(run):
    """PUT 1 GiB, protected by TLS only"""
    return put(run, "unsigned")


@scenario
def put_unknown_length(run):
    """PUT 1 GiB of unknown length"""
    file = sparse(run.large)

    def measure(program):
        arguments = ["-H", "transfer-encoding: chunked", "-T", file, f"http://127.0.0.1:{program.port}/bucket/key"]
        return transfer(program, run.large, arguments)

    return run.compare({"signing": run.variants()["signing"]}, measure)


@scenario
def get_1gib(run):
    """GET 1 GiB"""

    def measure(program):
        return transfer(program, run.large, [f"http://127.0.0.1:{program.port}/bucket/{run.large}"])

    return run.compare(run.variants(), measure)


@scenario
def many_uploads(run):
    """100 uploads of 50 MiB at once"""
    size = 50 * MIB
    file = sparse(size)

    def measure(program):
        def upload(number):
            return transfer(program, size, ["-T", file, f"http://127.0.0.1:{program.port}/bucket/{number}.bin"])

        taken = run.upstream.counts()["bytes_in"]
        with concurrent.futures.ThreadPoolExecutor(run.uploads) as pool:
            list(pool.map(upload, range(run.uploads)))
        # Chunks and their signatures come on top of the content.
        if run.upstream.counts()["bytes_in"] - taken < size * run.uploads:
            raise RuntimeError("bytes are missing")
        return {"peak_mib": program.memory() / MIB}

    variants = {
        "signed chunks": lambda: signing_proxy(run.upstream, "s3", "streaming"),
        "hashed first": lambda: signing_proxy(run.upstream, "s3", "signed"),
    }
    return run.compare(variants, measure)


@scenario
def idle(run):
    """Doing nothing"""

    def measure(program):
        # Nothing is requested yet, so that no connection to the service is counted.
        alone = program.memory("VmRSS") / MIB
        url = f"http://127.0.0.1:{program.port}/bucket/1"
        begun = time.perf_counter()
        urllib.request.urlopen(url).read()
        started = program.ready - program.begun + time.perf_counter() - begun
        clients = []
        for _ in range(2000):
            # One after the other, so that one connection to the service is enough for all.
            client = socket.create_connection(("127.0.0.1", program.port))
            client.sendall(b"GET /bucket/1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.recv(65536)
            clients.append(client)
        with_clients = program.memory("VmRSS") / MIB
        for client in clients:
            client.close()
        return {"start_to_first_response_ms": started * 1000, "rss_mib": alone, "rss_2000_clients_mib": with_clients}

    return run.compare({name: start for name, start in run.variants().items() if name != "baseline"}, measure)


def machine():
    model = re.search(r"^model name\s*: (.*)$", open("/proc/cpuinfo").read(), re.MULTILINE)
    flags = re.search(r"^flags\s*: (.*)$", open("/proc/cpuinfo").read(), re.MULTILINE)
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "sha_ni": bool(flags and "sha_ni" in flags.group(1).split()),
        "load_average_before": os.getloadavg()[0],
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="short and once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10, help="of each measurement of requests")
    parser.add_argument("--only", nargs="*", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--document", action="store_true", help="write the table of docs/performance.md")
    arguments = parser.parse_args()
    results = {"machine": machine(), "rounds": arguments.rounds, "scenarios": {}}
    with Upstream() as upstream:
        run = Run(arguments, upstream)
        for name in arguments.only:
            print(f"load: {name}", flush=True)
            figures = SCENARIOS[name](run)
            results["scenarios"][name] = {"title": SCENARIOS[name].__doc__, "figures": figures}
            for variant, row in figures.items():
                print(f"  {variant:14}", "  ".join(f"{figure} {value:.4g}" for figure, value in row.items()), flush=True)
    (WORK / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    for left in WORK.glob("zeros-*"):
        left.unlink()
    if arguments.document:
        document.write(results)


if __name__ == "__main__":
    main()
