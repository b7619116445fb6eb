"""A real Chromium beside the proxy: whatever pages make it send is rejected by the proxy, and a listed origin may fetch.

Each row asserts that the request *reached* the proxy: it is in the proxy's log, rejected, and no service saw anything.
"""

import contextlib
import http.client
import http.server
import json
import socket
import threading
import time

import pytest

import chromium
from servers import Proxy, free_ports

SECONDS = 20
REJECTIONS = {"browser-rejected", "cross-site", "gateway-host-rejected"}
BUCKET_PAGE = """<!doctype html><title>an object</title>
<script>document.title = "it runs"; fetch("/b/stolen")</script><img src="/b/loaded">"""


class Site(http.server.ThreadingHTTPServer):
    """Serves `pages` by path, or `everywhere`; stores the requests. As a page's server or as the service."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, everywhere=None, port=0):
        self.pages, self.everywhere, self.seen, self.connections = {}, everywhere, [], []
        super().__init__(("127.0.0.1", port), Visit)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def saw(self, path):
        return [entry for entry in self.seen if entry[1].split("?")[0] == path]

    def get_request(self):
        connection, address = super().get_request()
        self.connections.append(connection)
        return connection, address

    def stop(self):
        """Nobody gets a response from now on, not even on a connection that a browser opened to have one ready."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Visit(http.server.BaseHTTPRequestHandler):
    def respond(self):
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers.items())))
        page = self.server.pages.get(self.path.split("?")[0], self.server.everywhere)
        kind, text = page if isinstance(page, tuple) else ("text/html", page)
        self.send_response(404 if text is None else 200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text or "")))
        if self.server.everywhere is not None:
            # What a service may say, and no page may hear.
            self.send_header("etag", '"1"')
            self.send_header("access-control-allow-origin", "https://other.example")
            self.send_header("access-control-allow-credentials", "true")
            self.send_header("set-cookie", "left=behind")
            self.send_header("alt-svc", 'h2="127.0.0.1:1"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write((text or "").encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = respond

    def log_message(self, *_):
        pass


def connection(service):
    return {
        "store": {
            "service": "s3",
            "region": "us-east-1",
            "endpoint": f"http://127.0.0.1:{service.port}",
            "auth": {
                "method": "access-key",
                "access_key_id": "AKIAOUTSIDEBROWSER01",
                "secret_access_key": "outside/browser+secret/0123456789abcdef",
            },
        },
        # The service of forward mode: AWS's own host, at which nothing arrives.
        "cloud": {
            "service": "ec2",
            "region": "us-east-1",
            "auth": {
                "method": "access-key",
                "access_key_id": "AKIAOUTSIDEBROWSER01",
                "secret_access_key": "outside/browser+secret/0123456789abcdef",
            },
        },
    }


def log_of(proxy, path, count=1):
    """The log lines of requests for this path, once there are so many."""
    end = time.monotonic() + SECONDS
    while True:
        lines = [line for line in proxy.log.read_text(errors="replace").splitlines() if path in line]
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        requests = [entry for entry in entries if entry.get("message") == "request" and entry.get("path") == path]
        if len(requests) >= count:
            return requests
        assert time.monotonic() < end, f"no request for {path} reached the proxy"
        time.sleep(0.02)


def assert_rejected(proxy, service, path):
    for entry in log_of(proxy, path):
        assert entry.get("status") == 403 and entry.get("error") in REJECTIONS, entry
    assert service.saw(path) == []


@pytest.fixture(scope="module")
def service():
    site = Site(everywhere=BUCKET_PAGE)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def evil():
    """The server of all pages."""
    site = Site()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def guarded(scratch, service):
    """The proxy as it is by default, but for a name of its own."""
    server = Proxy(scratch / "guarded", "guarded", connection(service), server={"gateway_hosts": ["signer.internal"]})
    yield server
    assert server.stop() == 0
    assert service.seen == [], "something got past the rejections"


@pytest.fixture(scope="module")
def browser(scratch, evil, guarded):
    why = chromium.missing()
    if why:
        pytest.skip(why)
    # AWS's names are reached by way of the proxy, as with HTTP_PROXY.
    rule = f'shExpMatch(host, "*.amazonaws.com") ? "PROXY 127.0.0.1:{guarded.port}" : "DIRECT"'
    script = f"function FindProxyForURL(url, host) {{ return {rule} }}"
    evil.pages["/pac"] = ("application/x-ns-proxy-autoconfig", script)
    names = ["*.test", "evil", "signer.internal"]
    driver = chromium.Chromium(
        scratch / "chromium",
        f"--proxy-pac-url=http://127.0.0.1:{evil.port}/pac",
        "--host-resolver-rules=" + ", ".join(f"MAP {name} 127.0.0.1" for name in names),
    )
    yield driver
    driver.stop()


# What a page does so that the browser sends a request. None has a referrer, which any page can leave out.
WAYS = {
    "link": '<a id="go" href="URL">x</a><script>go.click()</script>',
    "location": '<script>location = "URL"</script>',
    "refresh": '<meta http-equiv="refresh" content="0; url=URL">',
    "form-get": '<form id="go" action="URL"></form><script>go.submit()</script>',
    "form-post": '<form id="go" action="URL" method="post" enctype="text/plain"><input name="Action" value="x"></form>'
    "<script>go.submit()</script>",
    "iframe": '<iframe src="URL"></iframe>',
    "object": '<object data="URL"></object>',
    "image": '<img src="URL">',
    "script": '<script src="URL"></script>',
    "module": '<script type="module" src="URL"></script>',
    "style": '<link rel="stylesheet" href="URL">',
    "video": '<video src="URL" preload="auto"></video>',
    "prefetch": '<link rel="prefetch" href="URL">',
    "beacon": '<script>navigator.sendBeacon("URL", "x")</script>',
    "ping": '<a id="go" href="#x" ping="URL">x</a><script>go.click()</script>',
    "events": '<script>new EventSource("URL")</script>',
    "fetch": '<script>fetch("URL")</script>',
    "fetch-no-cors": '<script>fetch("URL", {mode: "no-cors"})</script>',
    "fetch-no-cors-post": '<script>fetch("URL", {mode: "no-cors", method: "POST", body: "x"})</script>',
    "fetch-credentials": '<script>fetch("URL", {credentials: "include"})</script>',
    "fetch-preflight": '<script>fetch("URL", {method: "PUT", headers: {"x-amz-acl": "public-read"}})</script>',
    "socket": '<script>new WebSocket("URL".replace("http:", "ws:"))</script>',
}
PLACES = {
    # Where browsers send fetch metadata, and where they do not: a name that is no loopback origin.
    "loopback": lambda proxy: f"http://127.0.0.1:{proxy.port}/@store",
    "name": lambda proxy: f"http://signer.internal:{proxy.port}/@store",
    "forward": lambda proxy: "http://ec2.us-east-1.amazonaws.com",
}


# Through an HTTP proxy a socket is a tunnel, which there is none of.
PAGES = [(way, place) for way in WAYS for place in PLACES if (way, place) != ("socket", "forward")]


@pytest.mark.parametrize(("way", "place"), PAGES)
def test_whatever_a_page_sends_is_rejected_by_the_proxy(way, place, guarded, evil, browser, service):
    path = f"/b/{way}-{place}.html"
    base = PLACES[place](guarded)
    page = f'<!doctype html><meta name="referrer" content="no-referrer">{WAYS[way]}'
    evil.pages[f"/{way}-{place}"] = page.replace("URL", base + path)
    browser.open(f"http://evil.test:{evil.port}/{way}-{place}")
    assert_rejected(guarded, service, ("/@store" if "@store" in base else "") + path)


@pytest.mark.parametrize("place", PLACES)
def test_an_object_is_no_page_to_open(place, guarded, browser, service):
    """A link in a mail, a chat or a document: nobody's page, one click."""
    base = PLACES[place](guarded)
    browser.open(f"{base}/b/opened-{place}.html")
    assert_rejected(guarded, service, ("/@store" if "@store" in base else "") + f"/b/opened-{place}.html")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "signer.internal", "rebound.test", "evil"])
def test_a_page_of_the_proxys_own_origin_is_rejected(host, scratch, browser, service):
    """An object that was opened before the proxy rejected that, or DNS rebinding: the page's server was here first."""
    (port,) = free_ports(1)
    site = Site("<!doctype html><title>same origin</title>", port)
    browser.open(f"http://{host}:{port}/page.html")
    site.stop()
    server = {"gateway_hosts": ["signer.internal"]}
    proxy = Proxy(scratch / f"same-{host}", f"same-{host}", connection(service), server=server, port=port)
    try:
        for number, init in enumerate([{}, {"method": "POST", "body": "x"}, {"method": "PUT", "headers": {"x-a": "b"}}]):
            path = f"/@store/b/same-{host}-{number}"
            script = "const [path, init, done] = arguments; fetch(path, init).then(r => done(r.status), e => done(`${e}`))"
            assert browser.run(script, path, init) == 403
            assert_rejected(proxy, service, path)
    finally:
        assert proxy.stop() == 0
    assert service.seen == []


FETCH = """const [url, init, done] = arguments;
fetch(url, init).then(async r => done({
  status: r.status, text: await r.text(), etag: r.headers.get("etag"), alt: r.headers.get("alt-svc"),
  error: r.headers.get("x-signing-proxy-error"), policy: r.headers.get("content-security-policy"),
}), error => done({ failed: `${error}` }))"""


@pytest.fixture(scope="module")
def listed(scratch, evil):
    """A proxy that lets the pages of `app.test` in, with a service of its own."""
    site = Site(everywhere=BUCKET_PAGE)
    server = {"gateway_hosts": ["signer.internal"], "browsers": {"origins": [f"http://app.test:{evil.port}"]}}
    proxy = Proxy(scratch / "listed", "listed", connection(site), server=server)
    yield proxy, site
    assert proxy.stop() == 0
    site.stop()


@pytest.mark.parametrize("place", ["loopback", "name"])
def test_a_listed_origin_may_fetch_and_nothing_else(place, listed, evil, browser):
    proxy, site = listed
    base = PLACES[place](proxy)
    evil.pages["/app"] = "<!doctype html><title>app</title>"
    browser.open(f"http://app.test:{evil.port}/app")

    got = browser.run(FETCH, f"{base}/b/get-{place}", {})
    assert (got.get("status"), got.get("text"), got.get("etag")) == (200, BUCKET_PAGE, '"1"'), got
    assert got["alt"] is None
    put = browser.run(FETCH, f"{base}/b/put-{place}", {"method": "PUT", "body": "x", "headers": {"x-amz-meta-a": "b"}})
    assert put.get("status") == 200, put
    (sent,) = site.saw(f"/b/put-{place}")
    assert sent[0] == "PUT" and not {"origin", "referer", "cookie"} & {name.lower() for name in sent[2]}, sent
    assert any(name.lower() == "authorization" for name in sent[2]), sent
    preflight, put = log_of(proxy, f"/@store/b/put-{place}", 2)
    assert (preflight["method"], preflight["status"], put["method"]) == ("OPTIONS", 204, "PUT")

    wrong = browser.run(FETCH, f"{base.replace('@store', '@nobody')}/b/x", {})
    assert (wrong.get("status"), wrong.get("error")) == (404, "connection-unknown"), "it can read rejections too"

    for way in ("image", "form-get", "form-post", "iframe", "script", "link", "socket", "fetch-no-cors"):
        path = f"/b/listed-{way}-{place}.html"
        evil.pages["/app-way"] = WAYS[way].replace("URL", base + path)
        browser.open(f"http://app.test:{evil.port}/app-way")
        assert_rejected(proxy, site, f"/@store{path}")

    browser.open(f"http://evil.test:{evil.port}/app")
    got = browser.run(FETCH, f"{base}/b/unlisted-{place}", {})
    assert "failed" in got, got
    assert_rejected(proxy, site, f"/@store/b/unlisted-{place}")


def test_where_browsers_pass_an_object_runs_no_script(scratch, browser):
    """`user_agents = "pass"` lets in what looks like a browser; then the response is still nobody's page."""
    site = Site(everywhere=BUCKET_PAGE)
    server = {"gateway_hosts": ["signer.internal"], "browsers": {"user_agents": "pass"}}
    proxy = Proxy(scratch / "passing", "passing", connection(site), server=server)
    browser.open(f"http://signer.internal:{proxy.port}/@store/b/object.html")
    title = browser.title()
    assert proxy.stop() == 0
    site.stop()
    assert title == "an object"
    assert [path for _, path, _ in site.seen if "favicon" not in path] == ["/b/object.html"]


class BackEnd(Visit):
    """A web server whose `/b/` is the proxy, which it sends all that the browser sent, as nginx does by default."""

    def respond(self):
        if not self.path.startswith("/b/"):
            super().respond()
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        hop = {"host", "connection", "content-length", "upgrade"}
        fields = {name: value for name, value in self.headers.items() if name.lower() not in hop}
        self.server.seen.append((self.command, self.path, fields))
        proxy = http.client.HTTPConnection("127.0.0.1", self.server.proxy.port, timeout=SECONDS)
        proxy.request(self.command, f"/@store{self.path}", body, fields)
        response = proxy.getresponse()
        content = response.read()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = respond


@pytest.mark.parametrize("mode", ["reject", "pass"])
def test_a_back_end_that_passes_browsers_on_needs_the_mode_for_it(mode, scratch, browser):
    """The back end's page shows an object as an image would be, sends a form, and opens an object as a page of its own."""
    object_page = '<!doctype html><title>an object</title><script>document.title = "its script ran"</script>'
    site = Site(everywhere=object_page)
    proxy = Proxy(scratch / f"back-end-{mode}", f"back-end-{mode}", connection(site), server={"browsers": {"mode": mode}})
    back_end = Site()
    back_end.RequestHandlerClass, back_end.proxy = BackEnd, proxy
    back_end.pages["/app"] = '<!doctype html><title>app</title><img src="/b/image">'
    back_end.pages["/form"] = '<!doctype html><form id="go" action="/b/form" method="post"></form><script>go.submit()</script>'
    base = f"http://localhost:{back_end.port}"
    browser.open(f"{base}/app")
    (image, *_) = log_of(proxy, "/@store/b/image")
    browser.open(f"{base}/form")
    (form, *_) = log_of(proxy, "/@store/b/form")
    browser.open(f"{base}/b/page.html")
    title = browser.title()
    assert proxy.stop() == 0
    for each in (back_end, site):
        each.stop()

    sent = {path: {name.lower() for name in fields} for _, path, fields in back_end.seen}
    assert "sec-fetch-site" in sent["/b/image"] and "origin" not in sent["/b/image"]
    assert "origin" in sent["/b/form"]
    if mode == "pass":
        assert (image["status"], form["status"], title) == (200, 200, "its script ran")
        assert {path for _, path, _ in site.seen} >= {"/b/image", "/b/form", "/b/page.html"}
        for _, _, fields in site.seen:
            names = {name.lower() for name in fields}
            assert not {name for name in names if name == "origin" or name.startswith("sec-")}, names
    else:
        assert image["status"] == form["status"] == 403 and site.seen == []
        assert image["error"] == "browser-rejected" and title != "its script ran"
