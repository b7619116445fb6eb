"""The programs of a load test: the service, the proxy in its variants, nginx; and what they used of the machine."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

WORK = pathlib.Path(os.environ["LOAD_WORK"])
# Nothing of the caller's may reach the programs: a SIGNING_PROXY_* variable is configuration.
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
# As the image and the systemd unit have it; docs/performance.md says why. nginx has one thread a process, so one arena.
ENVIRONMENT["MALLOC_ARENA_MAX"] = "2"
TICKS = os.sysconf("SC_CLK_TCK")
SECRET = "load/test+secret/0123456789abcdefghijklm"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_of(pid):
    """Seconds of CPU of one process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Program:
    """A child process and its children."""

    def __init__(self, name, command, port=None):
        self.name, self.port = name, port
        self.begun = time.perf_counter()
        with (WORK / f"{name}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
                cwd=WORK,
            )
        if port:
            self.wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
            self.ready = time.perf_counter()

    def wait_for(self, probe):
        end = time.monotonic() + 20
        while True:
            try:
                return probe()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{self.name} did not start: {(WORK / f'{self.name}.log').read_text()}") from None
                time.sleep(0.0005)

    def processes(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def cpu(self):
        """Seconds of CPU so far."""
        return sum(map(cpu_of, self.processes()))

    def memory(self, field="VmHWM"):
        """Resident bytes: the most so far, or `VmRSS` for now."""
        total = 0
        for pid in self.processes():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE).group(1)) * 1024
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Upstream(Program):
    """The service. Its certificate is `ca`."""

    def __init__(self):
        ports = WORK / "ports"
        ports.unlink(missing_ok=True)
        super().__init__("upstream", [os.environ["LOAD_TOOL"], "upstream", WORK])
        self.port, self.counters = map(int, self.wait_for(ports.read_text).split())
        self.ca = WORK / "ca.pem"

    def counts(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.counters}/") as response:
            return json.load(response)


def baseline(service):
    """A reverse proxy to the URL, of the libraries that the proxy is made of, which signs nothing."""
    port = free_port()
    return Program("baseline", [os.environ["LOAD_BASELINE"], port, service, WORK / "ca.pem"], port)


def signing_proxy(upstream, service="s3", payload="auto"):
    """`signing-proxy serve` with one connection and its ordinary log."""
    port = free_port()
    name = f"proxy-{service}-{payload}"
    spool = WORK / "spool"
    spool.mkdir(exist_ok=True)
    file = WORK / f"{name}.toml"
    file.write_text(
        f"""
[server]
listen = "127.0.0.1:{port}"
admin = "off"
max_clients = 4096
spool_dir = "{spool}"
[log]
level = "warn"
[upstream]
ca_file = "{upstream.ca}"
[connections.load]
service = "{service}"
region = "us-east-1"
endpoint = "https://127.0.0.1:{upstream.port}"
payload = "{payload}"
[connections.load.auth]
method = "access-key"
access_key_id = "AKIALOADTEST00000001"
secret_access_key = "literal:{SECRET}"
"""
    )
    return Program(name, [os.environ["SIGNING_PROXY_BIN"], "serve", "--config", file], port)


def nginx(upstream):
    """nginx as a plain reverse proxy that keeps its connections and verifies the service's certificate, as ours does."""
    port = free_port()
    folder = WORK / "nginx"
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(
        f"""
daemon off;
worker_processes 2;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream service {{ server 127.0.0.1:{upstream.port}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    keepalive_requests 1000000;
    location / {{
      proxy_pass https://service;
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_ssl_trusted_certificate {upstream.ca};
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
      proxy_ssl_session_reuse on;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""
    )
    path = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
    return Program("nginx", [path, "-e", folder / "error.log", "-c", file], port)
