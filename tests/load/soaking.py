"""The soak that `tests/load/soak` runs: the proxy between the client and the service of `load_tool`, loading a changed
configuration every few seconds; what it takes of the machine; and a verdict."""

import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import document
from programs import WORK, Program, baseline, cpu_of, free_port

MIB = 1024 * 1024
ALLOW = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": "*"}]}'


def keys(key_id):
    return {"method": "access-key", "access_key_id": key_id, "secret_access_key": f"literal:{key_id}/soak+secret/0123456789"}


def toml(value, path=()):
    plain = {key: item for key, item in value.items() if not isinstance(item, dict)}
    lines = [f"[{'.'.join(path)}]"] if path and plain else []
    lines += [f"{key} = {json.dumps(item)}" for key, item in plain.items()]
    lines += [toml(item, (*path, key)) for key, item in value.items() if isinstance(item, dict)]
    return "\n".join(lines) + "\n"


class Service(Program):
    """What the proxy signs for. It checks all that comes."""

    def __init__(self, arguments):
        ports = WORK / "ports"
        ports.unlink(missing_ok=True)
        command = [os.environ["LOAD_TOOL"], "soak-service", WORK, arguments.seed, arguments.faults, arguments.session]
        super().__init__("soak-service", command)
        self.clear, self.encrypted, self.reports = map(int, self.wait_for(ports.read_text).split())

    def report(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.reports}/") as response:
            return json.load(response)


class Configuration:
    """The proxy's, in its changing forms."""

    def __init__(self, service):
        self.service, self.file = service, WORK / "soak.toml"
        self.port, self.admin = free_port(), free_port()
        self.number = 0
        self.body_idle, self.has_extra, self.key = 60, False, 1
        self.write()

    def change(self):
        """The next of three changes, which come in turn."""
        match self.number % 3:
            case 0:
                self.body_idle = 121 - self.body_idle
            case 1:
                self.has_extra = not self.has_extra
            case 2:
                self.key = 3 - self.key
        self.number += 1
        self.write()

    @property
    def rotated(self):
        return f"AKIASOAKROTATED0000{self.key}"

    def write(self):
        clear, encrypted = f"http://127.0.0.1:{self.service.clear}", f"https://127.0.0.1:{self.service.encrypted}"
        plain = {"region": "us-east-1", "endpoint": clear, "auth": keys("AKIASOAKPLAIN0000001")}
        s3 = {"service": "s3", **plain}
        role = {**keys("AKIASOAKSOURCE000001"), "method": "access-key-assume-role", "role": "arn:aws:iam::111122223333:role/soak"}
        connections = {
            "plain": {**s3, "timeouts": {"body_idle": f"{self.body_idle}s"}},
            "role": {**s3, "sts_endpoint": clear, "auth": role},
            "repeat": {**s3, "retry": {"on_status": [503]}},
            "rotated": {**s3, "auth": keys(self.rotated)},
            "tls": {**s3, "endpoint": encrypted, "payload": "unsigned-trailer"},
            "chunks": {**s3, "payload": "streaming"},
            "trailer": {**s3, "payload": "streaming-trailer"},
            "table": {"service": "dynamodb", **plain, "account": "111122223333", "allow": ALLOW},
            "models": {"service": "bedrock-runtime", **plain},
        }
        if self.has_extra:
            connections["extra"] = s3
        config = {
            "server": {"listen": f"127.0.0.1:{self.port}", "admin": f"127.0.0.1:{self.admin}", "spool_dir": str(WORK / "spool")},
            "log": {"level": "warn", "format": "json"},
            "upstream": {"ca_file": str(WORK / "ca.pem")},
            "connections": connections,
        }
        new = self.file.with_suffix(".new")
        new.write_text(toml(config))
        new.rename(self.file)


class Proxy(Program):
    def __init__(self, configuration):
        (WORK / "spool").mkdir(exist_ok=True)
        self.configuration = configuration
        command = [os.environ["SIGNING_PROXY_BIN"], "serve", "--config", configuration.file]
        super().__init__("soak-proxy", command, configuration.port)

    def sample(self):
        process = pathlib.Path(f"/proc/{self.process.pid}")
        descriptors, threads = (len(os.listdir(process / kind)) for kind in ("fd", "task"))
        return {"memory": self.memory("VmRSS"), "descriptors": descriptors, "threads": threads}

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.configuration.admin}/metrics") as response:
            text = response.read().decode()
        found = {}
        for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? ([0-9.e+-]+)", text, re.MULTILINE):
            found.setdefault(name, []).append((dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))
        return found

    def reloads(self, outcome):
        rows = self.metrics().get("signing_proxy_config_reloads_total", [])
        return sum(value for labels, value in rows if labels.get("outcome") == outcome)

    def probe(self, connection):
        """Status and signer of one request beside the others."""
        url = f"http://127.0.0.1:{self.port}/@{connection}/bucket/probe"
        request = urllib.request.Request(url, headers={"x-soak-number": "probe"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers["x-soak-signed-by"]
        except urllib.error.HTTPError as error:
            return error.code, error.headers["x-signing-proxy-error"]
        except OSError as error:
            return 0, str(error)


class Violations(list):
    def unless(self, holds, text):
        if not holds:
            self.append(text)
            print(f"soak: VIOLATION: {text}", flush=True)


def reload(proxy, configuration, violations):
    """A changed configuration, which has to take effect."""
    before = proxy.reloads("succeeded")
    configuration.change()
    proxy.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while proxy.reloads("succeeded") == before:
        if time.monotonic() > end:
            violations.unless(False, f"reload {configuration.number} was not taken within 10 s")
            return
        time.sleep(0.05)
    status, what = proxy.probe("extra")
    expected = 200 if configuration.has_extra else 404
    violations.unless(status == expected, f"connection extra: {expected} was expected, {status} came, {what}")
    status, signer = proxy.probe("rotated")
    violations.unless((status, signer) == (200, configuration.rotated), f"{configuration.rotated} has to sign: {status}, {signer}")


def planted(service, violations):
    """The service notices what is not signed, and what is signed wrongly."""
    url = f"http://127.0.0.1:{service.clear}/bucket/key"
    bogus = "AWS4-HMAC-SHA256 Credential=AKIASOAKPLAIN0000001/{}/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={}"
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    wrongly = {
        "authorization": bogus.format(stamp[:8], "0" * 64),
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date": stamp,
    }
    before = service.report()["wrong"]
    for headers in ({}, wrongly):
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers={"x-soak-number": "probe", **headers}))
        except urllib.error.HTTPError:
            pass
    after = service.report()["wrong"]
    for name in ("unsigned", "wrongly_signed"):
        violations.unless(after[name] == before[name] + 1, f"the service does not notice a request that is {name}")
    return after


def fifth(samples, number, name):
    """The median of a figure over a fifth of the time."""
    length = len(samples) // 5
    return statistics.median(sample[name] for sample in samples[number * length : (number + 1) * length])


def flat(samples, violations, is_long):
    """The last fifth of the time has no more than the second, a tenth and a little aside: threads come and go with files and
    names that are waited for."""
    rows = {}
    for name, slack in (("memory", 8 * MIB), ("descriptors", 32), ("threads", 16)):
        early, late = fifth(samples, 1, name), fifth(samples, 4, name)
        violations.unless(not is_long or late <= early * 1.1 + slack, f"{name} grew from {early:.0f} to {late:.0f}")
        rows[name] = {"second fifth": early, "last fifth": late, "most": max(sample[name] for sample in samples)}
    return rows


def given_back(proxy, violations, is_long):
    """Without clients nothing of what they share is taken, and, once idle connections have had their time, no descriptor."""
    end = time.monotonic() + 10
    while True:
        metrics = proxy.metrics()
        shared = ("signing_proxy_shared_taken_bytes", "signing_proxy_shared_taken_permits", "signing_proxy_requests_in_flight")
        taken = [(labels, value) for name in shared for labels, value in metrics[name] if value]
        if not taken or time.monotonic() > end:
            break
        time.sleep(0.2)
    violations.unless(not taken, f"10 s after the last request there is still taken {taken}")
    rest = proxy.sample()
    # Idle connections are closed when they are looked at, up to twice `pool_idle_timeout` later.
    end = time.monotonic() + 60
    while is_long and rest["descriptors"] > 64 and time.monotonic() < end:
        time.sleep(1)
        rest = proxy.sample()
    violations.unless(not is_long or rest["descriptors"] <= 64, f"{rest['descriptors']} descriptors are open without clients")
    return metrics, rest


def stop(proxy, violations):
    """How long it takes to end."""
    begun = time.monotonic()
    proxy.process.send_signal(signal.SIGTERM)
    code = proxy.process.wait(60)
    violations.unless(code == 0, f"the proxy ended with {code}")
    return time.monotonic() - begun


def logged(violations):
    """Nothing in the log is an error of the proxy's own."""
    lines = (WORK / "soak-proxy.log").read_text(errors="replace").splitlines()
    errors = [line for line in lines if '"level":"ERROR"' in line or "panicked" in line]
    violations.unless(not errors, f"{len(errors)} errors in the log, such as {errors[:1]}")
    return len(lines)


def clients(arguments, proxy):
    """Sends all requests of a soak to the proxy; prints the client's report."""
    command = [os.environ["LOAD_TOOL"], "soak", f"127.0.0.1:{proxy.port}", arguments.rate, arguments.seconds]
    command += [arguments.connections, arguments.seed, arguments.faults]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)


def is_unsigned_noticed(arguments):
    """Whether a soak fails of a proxy that does not sign: the same requests, through the load test's baseline."""
    violations = Violations()
    with Service(arguments) as service:
        before = planted(service, violations)["unsigned"]
        with baseline(f"http://127.0.0.1:{service.clear}") as proxy, clients(arguments, proxy) as load:
            load.communicate(timeout=arguments.seconds + 120)
        return not violations and service.report()["wrong"]["unsigned"] > before


def soak(arguments):
    violations = Violations()
    with Service(arguments) as service:
        before = planted(service, violations)
        configuration = Configuration(service)
        with Proxy(configuration) as proxy:
            load = clients(arguments, proxy)
            begun = time.monotonic()
            samples, reloads = [], 0
            while load.poll() is None:
                elapsed = time.monotonic() - begun
                client_cpu = cpu_of(load.pid)
                if elapsed < arguments.seconds:
                    samples.append(proxy.sample())
                    if elapsed > (reloads + 1) * arguments.reload:
                        reload(proxy, configuration, violations)
                        reloads += 1
                    if int(elapsed) % 60 == 0:
                        print(f"soak: {elapsed:.0f} s, {samples[-1]}", flush=True)
                violations.unless(proxy.process.poll() is None, "the proxy has ended")
                if proxy.process.poll() is not None or elapsed > arguments.seconds + 120:
                    load.kill()
                    break
                time.sleep(max(0.0, begun + len(samples) - time.monotonic()) if elapsed < arguments.seconds else 0.2)
            output = load.stdout.read()
            violations.unless(load.wait() == 0, "the client has failed")
            client = json.loads(output) if output else {}
            report = service.report()
            metrics, rest = given_back(proxy, violations, arguments.is_long)
            cpu = {"proxy": proxy.cpu(), "service": service.cpu(), "client": client_cpu}
            failed_reloads = proxy.reloads("failed")
            seconds_to_end = stop(proxy, violations)
    return verdict(
        arguments, violations, client, report, before, samples,
        {
            "reloads": reloads,
            "rest": rest,
            "failed_reloads": failed_reloads,
            "retries": retries(metrics),
            "cpu_seconds": cpu,
            "seconds_to_end": seconds_to_end,
            "log_lines": logged(violations),
        },
    )


def retries(metrics):
    sums = {}
    for labels, value in metrics.get("signing_proxy_retries_total", []):
        sums[labels["reason"]] = sums.get(labels["reason"], 0) + int(value)
    return sums


def verdict(arguments, violations, client, report, before, samples, proxy):
    wrong = {name: count - before[name] for name, count in report["wrong"].items()}
    for name, count in wrong.items():
        violations.unless(count == 0, f"{count} requests upstream were {name}")
    if client:
        violations.unless(client["unexpected"] == 0, f"{client['unexpected']} requests did not end as they have to")
        rate = client["per_second"]
        is_held = rate > 0.98 * arguments.rate
        violations.unless(is_held or not arguments.is_long, f"the rate was not held: {rate:.0f} a second")
        for name, row in client["faults"].items():
            injected = report["faults"].get(name, 0)
            violations.unless(name == "none" or injected == row["requests"], f"{name}: {injected} of {row['requests']} injected")
    violations.unless(proxy["failed_reloads"] == 0, f"{proxy['failed_reloads']:.0f} reloads failed")
    for sample in client.get("samples", [])[:10] + report["samples"][:10]:
        print(f"soak: {sample}", flush=True)
    flatness = flat(samples, violations, arguments.is_long) if len(samples) >= 5 else {}
    return {
        "cores": len(os.sched_getaffinity(0)),
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "client": client,
        "wrong": wrong,
        "service": report["counts"],
        "injected": report["faults"],
        "proxy": proxy,
        "flat": flatness,
        "violations": violations,
    }


def table(results):
    """For docs/performance.md."""
    client, service, proxy, wrong = (results[name] for name in ("client", "service", "proxy", "wrong"))
    rows = {
        "requests sent": client["requests"],
        "requests a second": client["per_second"],
        "succeeded": client["succeeded"],
        "failed, as they had to": client["failed_as_expected"],
        "ended otherwise than they had to": client["unexpected"],
        "corrupted bodies, there or back": wrong["corrupted_body"] + client["corrupted"] + wrong["body_not_as_signed"],
        "responses to other requests": client["mixed"],
        "requests upstream": service["requests"],
        "unsigned ones": wrong["unsigned"],
        "wrongly signed ones": wrong["wrongly_signed"] + wrong["expired_session"] + wrong["malformed"],
        "effects twice where once is right": wrong["twice"],
        "faults injected": sum(results["injected"].values()),
        "retries by the proxy": sum(proxy["retries"].values()),
        "reloads with a change": proxy["reloads"],
        "role sessions": service["sessions"],
        "GiB of bodies, there and back": (client["request_body_bytes"] + client["response_body_bytes"]) / 2**30,
        "connections of clients, upstream": f"{client['client_connections']:,}, {service['connections']:,}",
        "latency p50, p99, p999 (ms)": ", ".join(f"{client[name] / 1000:.1f}" for name in ("p50_us", "p99_us", "p999_us")),
        "CPU of proxy, service, client (cores)": ", ".join(
            f"{proxy['cpu_seconds'][name] / results['seconds']:.2f}" for name in ("proxy", "service", "client")
        ),
    }
    yield (
        f"{results['seconds'] / 60:.3g} minutes at {results['rate']:,} requests a second, {results['cores']} cores for the client, "
        f"the proxy and the service: {'; '.join(results['violations']) or 'no violation'}."
    )
    yield from ("", "| | |", "|---|---:|")
    yield from (f"| {name} | {value if isinstance(value, str) else document.shown(value)} |" for name, value in rows.items())
    yield from ("", "| of the proxy | second fifth | last fifth | most | without clients |", "|---|---:|---:|---:|---:|")
    for name, row in results["flat"].items():
        scale, unit = (MIB, " (MiB)") if name == "memory" else (1, "")
        values = [*row.values(), proxy["rest"][name]]
        yield f"| {name}{unit} | " + " | ".join(f"{value / scale:.4g}" for value in values) + " |"
    yield from ("", "| fault | requests | succeeded |", "|---|---:|---:|")
    for name, row in client["faults"].items():
        yield f"| {name} | {row['requests']:,} | {row['succeeded']:,} |"


def main():
    parser = argparse.ArgumentParser(prog="tests/load/soak")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--rate", type=int, default=2000, help="requests a second")
    parser.add_argument("--connections", type=int, default=200, help="of HTTP/1.1, beside 8 of HTTP/2")
    parser.add_argument("--faults", type=int, default=20, help="of 1,000 requests")
    parser.add_argument("--reload", type=int, default=5, metavar="SECONDS")
    parser.add_argument("--session", type=int, default=60, metavar="SECONDS", help="that a role session lives")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same requests")
    parser.add_argument("--unsigned", action="store_true", help="through a proxy that does not sign: succeeds if that is noticed")
    parser.add_argument("--document", action="store_true", help="write the tables of docs/performance.md")
    arguments = parser.parse_args()
    # Before that pools are still filling, and a machine may be busy with other things.
    arguments.is_long = arguments.seconds >= 120
    if arguments.unsigned:
        is_noticed = is_unsigned_noticed(arguments)
        print(f"soak: unsigned requests {'are' if is_noticed else 'are NOT'} noticed")
        sys.exit(0 if is_noticed else 1)
    results = soak(arguments)
    (WORK / "soak.json").write_text(json.dumps(results, indent=2) + "\n")
    if results["client"] and results["flat"]:
        text = "\n".join(table(results))
        (WORK / "soak.md").write_text(text + "\n")
        print(text)
        if arguments.document:
            document.replace("soak", text)
    print(f"soak: {len(results['violations'])} violations")
    sys.exit(1 if results["violations"] else 0)


if __name__ == "__main__":
    main()
