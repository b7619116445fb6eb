"""Odd paths and queries."""

from odd.row import THERE, Row, get, head, put, rejected, utf8

CRAB = "🦀"


def rows():
    for part in (keys, models, queries, forms, bad):
        yield from part()


def keys():
    """(name, path behind the bucket as sent, as it must be sent on, the object's key; None where SeaweedFS has it elsewhere)"""
    table = [
        ("lower-case escapes", "o/l%c3%bc%2b", "o/l%C3%BC%2B", "o/lü+"),
        ("escapes that need not be", "o/%61%7e%2Db", "o/a~-b", "o/a~-b"),
        ("upper and lower case in one escape", "o/%c3%Bc", "o/%C3%BC", "o/ü"),
        ("plus", "o/a+b", "o/a%2Bb", "o/a+b"),
        ("escaped plus", "o/a%2bc", "o/a%2Bc", "o/a+c"),
        ("escaped slash", "o/x%2Fy", "o/x/y", "o/x/y"),
        ("escaped slash in lower case", "o/x%2fz", "o/x/z", "o/x/z"),
        ("escaped percent sign before 2F", "o/x%252Fy", "o/x%252Fy", "o/x%2Fy"),
        ("escaped percent sign before 20", "o/x%2520y", "o/x%2520y", "o/x%20y"),
        ("escaped backslash", "o/x%5cy", "o/x%5Cy", None),
        ("double slash", "o//x", "o//x", None),
        ("three slashes", "o///x", "o///x", None),
        ("escaped double slash", "o/%2Fx", "o//x", None),
        ("trailing slash", "o/folder/", "o/folder/", None),
        ("trailing dot", "o/name.", "o/name.", "o/name."),
        ("trailing dots", "o/name..", "o/name..", "o/name.."),
        ("three dots", "o/...", "o/...", "o/..."),
        ("hidden", "o/.hidden", "o/.hidden", "o/.hidden"),
        ("dot segment", "o/./x", "o/./x", None),
        ("dot segments up", "o/x/../y", "o/x/../y", None),
        ("escaped dot segments up", "o/x/%2e%2e/y", "o/x/../y", None),
        ("escaped space", "o/a%20b", "o/a%20b", "o/a b"),
        ("space at the end", "o/a%20", "o/a%20", "o/a "),
        ("escaped NUL", "o/a%00b", "o/a%00b", None),
        ("escaped CR LF", "o/a%0d%0ab", "o/a%0D%0Ab", None),
        ("escaped DEL", "o/a%7fb", "o/a%7Fb", None),
        ("escaped question mark", "o/a%3fb", "o/a%3Fb", "o/a?b"),
        ("escaped number sign", "o/a%23b", "o/a%23b", "o/a#b"),
        ("equals sign and ampersand", "o/dt=2024&x=1", "o/dt%3D2024%26x%3D1", "o/dt=2024&x=1"),
        ("semicolon and comma", "o/a;b,c", "o/a%3Bb%2Cc", "o/a;b,c"),
        ("brackets and braces", "o/a[0]{1}", "o/a%5B0%5D%7B1%7D", "o/a[0]{1}"),
        ("quotes", "o/\"a\"'b'`c`", "o/%22a%22%27b%27%60c%60", "o/\"a\"'b'`c`"),
        ("angle brackets", "o/<a>", "o/%3Ca%3E", "o/<a>"),
        ("pipe and caret", "o/a|b^c", "o/a%7Cb%5Ec", "o/a|b^c"),
        ("a template nobody filled in", "o/${key}", "o/%24%7Bkey%7D", "o/${key}"),
        ("a path of Windows", "o/C:\\dir\\f.txt", "o/C%3A%5Cdir%5Cf.txt", None),
        ("an e-mail address", "o/a@b.example", "o/a%40b.example", "o/a@b.example"),
        ("raw UTF-8", utf8("o/ü€" + CRAB), "o/%C3%BC%E2%82%AC%F0%9F%A6%80", "o/ü€" + CRAB),
        ("raw and escaped UTF-8", utf8("o/ü") + "%c3%bc", "o/%C3%BC%C3%BC", "o/üü"),
        ("half a character raw, half escaped", "o/\xc3%bc%C3\xbd", "o/%C3%BC%C3%BD", "o/üý"),
        ("raw Latin-1", "o/f\xfcr", "o/f%FCr", None),
        ("raw UTF-8 with a combining accent", utf8("o/e\u0301"), "o/e%CC%81", "o/e\u0301"),
        ("raw byte order mark", utf8("o/\ufeffx"), "o/%EF%BB%BFx", "o/\ufeffx"),
        ("overlong slash", "o/a%c0%afb", "o/a%C0%AFb", None),
        ("looks like a connection", "o/@store/x", "o/%40store/x", "o/@store/x"),
        ("200 raw umlauts", utf8("o/" + "ö" * 200), "o/" + "%C3%B6" * 200, None),
    ]
    for name, path, sent, key in table:
        yield put(f"/outside/{path}", f"/outside/{sent}", key, kind="key", name=name, store=200 if key else None)
    slashes = [("bucket behind two slashes", "//outside/k", "//outside/k"), ("two slashes alone", "//", "//")]
    for name, path, sent in slashes:
        yield get(path, sent, kind="key", name=name, store=None)
    yield get("/outside", "/outside", kind="key", name="bucket without a slash")
    yield get("/outside/", "/outside/", kind="key", name="bucket with a slash")


def models():
    """Paths that are signed as they stand, escaped once more: the model's id as each SDK spells it."""
    table = [
        ("bare colon", "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke", None),
        ("escaped colon", "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", None),
        ("colon escaped in lower case", "/model/anthropic.claude-3-haiku-20240307-v1%3a0/invoke", None),
        ("ARN", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A111122223333%3Ainference-profile%2Fus.x-v1%3A0/invoke", None),
        ("ARN with bare colons", "/model/arn:aws:bedrock:us-east-1:111122223333:inference-profile%2Fus.x/invoke", None),
        ("ARN in lower-case escapes", "/model/arn%3aaws%3abedrock%3aus-east-1%3a1%3aprompt%2fX/invoke", None),
        ("ARN with a bare slash", "/model/arn:aws:bedrock:us-east-1:1:prompt/X/invoke", None),
        ("escaped percent sign", "/model/a%253Ab/invoke", None),
        ("everything that a path may hold", "/model/a!$&'()*+,;=:@b/invoke", None),
        ("double slash", "//model//m/invoke", "/model/m/invoke"),
        ("dot segments", "/model/./x/../m/invoke", "/model/m/invoke"),
        ("escaped dot segments", "/model/x/%2E%2e/m/invoke", "/model/m/invoke"),
        ("trailing slash", "/model/m/invoke/", None),
        ("raw UTF-8", utf8("/model/mödell/invoke"), "/model/m%C3%B6dell/invoke"),
        ("raw Latin-1", "/model/m\xf6dell/invoke", "/model/m%F6dell/invoke"),
        ("a template nobody filled in", "/model/{modelId}/invoke", "/model/%7BmodelId%7D/invoke"),
        ("quotes", '/model/"m"/invoke', "/model/%22m%22/invoke"),
        ("escapes that need not be", "/model/%6d/invoke", None),
    ]
    for name, path, sent in table:
        body = '{"prompt":"p"}'
        lines = ("Content-Type: application/json", "Content-Length: 14")
        data = head("POST", path, *lines) + body
        yield Row("model", name, data, [("POST", sent or path, body.encode())], on="bedrock", store=None)


def queries():
    """(name, query as sent, as it must be sent on)"""
    table = [
        ("question mark alone", "", ""),
        ("two question marks", "?", "?%3F="),
        ("question mark in a name", "a?b", "?a%3Fb="),
        ("question mark in a value", "a=b?c=d", "?a=b%3Fc%3Dd"),
        ("ampersand alone", "&", ""),
        ("ampersands alone", "&&&", ""),
        ("ampersand at the beginning", "&a=1", "?a=1"),
        ("ampersand at the end", "a=1&", "?a=1"),
        ("two ampersands", "a=1&&b=2", "?a=1&b=2"),
        ("value without a name", "=v", "?=v"),
        ("equals sign alone", "=", "?="),
        ("two equals signs", "a==b", "?a=%3Db"),
        ("equals sign in a value", "a=b=c", "?a=b%3Dc"),
        ("name without a value", "x-id", "?x-id="),
        ("a name twice", "a=2&a=1", "?a=2&a=1"),
        ("a name in two spellings", "%61=2&a=1", "?a=2&a=1"),
        ("unsorted", "b=1&B=2&a=3", "?b=1&B=2&a=3"),
        ("plus", "a=b+c", "?a=b%20c"),
        ("escaped plus", "a=b%2bc", "?a=b%2Bc"),
        ("lower-case escapes", "a=%e2%82%ac", "?a=%E2%82%AC"),
        ("escapes that need not be", "%61=%7e%2d", "?a=~-"),
        ("escaped equals sign and ampersand", "a%3d=%26", "?a%3D=%26"),
        ("semicolon alone", ";", "?%3B="),
        ("semicolons for ampersands", "a=1;b=2", "?a=1%3Bb%3D2"),
        ("semicolon at the end", "a=1;", "?a=1%3B"),
        ("semicolon in a name", "a;b=1", "?a%3Bb=1"),
        (
            "type with a charset",
            "response-content-type=text/plain;charset=utf-8",
            "?response-content-type=text%2Fplain%3Bcharset%3Dutf-8",
        ),
        (
            "attachment",
            "response-content-disposition=attachment;filename=x",
            "?response-content-disposition=attachment%3Bfilename%3Dx",
        ),
        (
            "attachment with quotes",
            'response-content-disposition=attachment;+filename="a+b"',
            "?response-content-disposition=attachment%3B%20filename%3D%22a%20b%22",
        ),
        ("raw UTF-8", utf8("a=ü€" + CRAB), "?a=%C3%BC%E2%82%AC%F0%9F%A6%80"),
        ("raw UTF-8 in a name", utf8("ä=1"), "?%C3%A4=1"),
        ("raw Latin-1", "a=f\xfcr", "?a=f%FCr"),
        ("brackets of PHP", "a[]=1&a[]=2", "?a%5B%5D=1&a%5B%5D=2"),
        ("JSON", 'a={"b":["c"]}', "?a=%7B%22b%22%3A%5B%22c%22%5D%7D"),
        ("angle brackets", "a=<b>", "?a=%3Cb%3E"),
        ("pipe, caret and backtick", "a=b|c^d`e", "?a=b%7Cc%5Ed%60e"),
        ("backslashes", "a=\\b\\c", "?a=%5Cb%5Cc"),
        ("slashes and colons", "a=http://b:80/c", "?a=http%3A%2F%2Fb%3A80%2Fc"),
        ("an e-mail address", "a=b@c", "?a=b%40c"),
        ("escaped NUL", "a=%00", "?a=%00"),
        ("escaped CR LF", "a=b%0d%0ac", "?a=b%0D%0Ac"),
        ("a sub-resource", "tagging", "?tagging="),
        ("asterisk and quotes", "a=*'!()", "?a=%2A%27%21%28%29"),
        ("dots", "a=../..", "?a=..%2F.."),
    ]
    # SeaweedFS drops a pair with a bare semicolon only where it is bare; NUL and CR LF are nothing for a header of its own.
    for name, query, sent in table:
        yield get(f"{THERE}?{query}", f"{THERE}{sent}", kind="query", name=name)
    listed = utf8("/outside?list-type=2&prefix=ü/&delimiter=/")
    yield get(listed, "/outside?list-type=2&prefix=%C3%BC%2F&delimiter=%2F", kind="query", name="prefix in raw UTF-8")
    yield get("/?x=/../", "/?x=%2F..%2F", kind="query", name="of the service")
    start = "/?Action=DescribeVpcs&Version=2016-11-15"
    filters = [
        ("colon", "Filter.1.Name=tag:Owner", "Filter.1.Name=tag%3AOwner"),
        ("raw UTF-8", utf8("Filter.1.Value.1=Jörg"), "Filter.1.Value.1=J%C3%B6rg"),
        ("plus", "Filter.1.Value.1=a+b", "Filter.1.Value.1=a%20b"),
        ("semicolon", "Filter.1.Value.1=a;b", "Filter.1.Value.1=a%3Bb"),
        ("asterisk", "Filter.1.Value.1=*", "Filter.1.Value.1=%2A"),
        ("quotes and brackets", 'Filter.1.Value.1=["a"]', "Filter.1.Value.1=%5B%22a%22%5D"),
        ("two ampersands", "&Filter.1.Value.1=a&", "Filter.1.Value.1=a"),
        ("no value", "DryRun", "DryRun="),
    ]
    for name, query, sent in filters:
        yield get(f"{start}&{query}", f"{start}&{sent}", kind="EC2 query", name=name, on="ec2", store=None)
    for name, path in (("double slash", "//"), ("dot segment", "/./"), ("dots at the end", "/x/.."), ("no path", "")):
        target = f"http://$HOST{path}" if not path else path
        yield get(target + start[1:], start, kind="EC2 query", name=name, on="ec2", store=None)


def forms():
    """Targets in absolute form, to the proxy itself."""
    table = [
        ("its address", "http://$HOST/outside/there", THERE),
        ("scheme in capitals", "HTTP://$HOST/outside/there", THERE),
        ("localhost", "http://localhost:$PORT/outside/there", THERE),
        ("raw bytes", utf8("http://$HOST/outside/there?a=ü;b"), THERE + "?a=%C3%BC%3Bb"),
        ("no path, but a query", "http://$HOST?x-id=ListBuckets", "/?x-id=ListBuckets"),
        ("no path", "http://$HOST", "/"),
    ]
    for name, target, sent in table:
        yield get(target, sent, kind="absolute form", name=name)


def bad():
    """What AWS rejects too, and a service must never get."""
    key, query = "/outside/o/100", THERE + "?a=100"
    for where, start in (("path", key), ("query", query)):
        escapes = [
            ("alone", "%"),
            ("one digit", "%4"),
            ("no digits", "%zz"),
            ("one digit, then none", "%4g/x"),
            ("of JavaScript", "%u00e9"),
            ("two", "%%20"),
        ]
        for name, text in escapes:
            named = ("'%'", f"byte {len(start)} of the target")
            yield rejected("percent sign", f"{name}, {where}", head("GET", start + text), 400, "target-malformed", *named)
        yield rejected(
            "percent sign",
            f"behind raw UTF-8, {where}",
            head("GET", start + utf8("ü") + "%x"),
            400,
            "target-malformed",
            "'%'",
            f"byte {len(start) + 2} of the target",
        )
        for name, text in (("inside", "#b"), ("at the end", "#"), ("behind raw UTF-8", utf8("ü#"))):
            yield rejected(
                "number sign",
                f"{name}, {where}",
                head("GET", start + text),
                400,
                "target-malformed",
                "'#'",
                f"byte {len(start) + text.index('#')} of the target",
            )
        for name, text in (("in the middle", "a b"), ("two", "a  b"), ("behind raw UTF-8", utf8("ü x"))):
            yield rejected(
                "space",
                f"{name}, {where}",
                head("GET", start + text),
                400,
                "head-malformed",
                "0x20",
                f"byte {len(start) + text.index(' ')} of the target",
            )
        for byte in (*range(1, 10), *range(11, 32), 127):
            data = head("GET", f"{start}{chr(byte)}b")
            yield rejected(
                "control character",
                f"{byte:#04x}, {where}",
                data,
                400,
                "head-malformed",
                f"0x{byte:02x}",
                f"byte {len(start)} of the target",
            )
    for name, target in (
        ("a word", "outside/there"),
        ("a backslash", "\\outside\\there"),
        ("raw UTF-8", utf8("ü")),
        ("an asterisk", "*"),
    ):
        yield rejected("no slash", name, head("GET", target), 400, "target-malformed", "'")
    yield rejected("no slash", "OPTIONS *", head("OPTIONS", "*"), 400, "target-malformed", "'OPTIONS *'")
    userinfo = head("GET", "http://user:secret@$HOST/outside/there")
    yield rejected("absolute form", "user name", userinfo, 400, "userinfo-in-target", "user name")
    yield rejected("absolute form", "another scheme", head("GET", "ftp://$HOST/x"), 400, "target-malformed", "http")
    for name, target in (("17 KiB", "/outside/" + "a" * 17_000), ("17 KiB of raw UTF-8", "/outside/" + utf8("ü" * 8_600))):
        yield rejected("too long", name, head("GET", target), 414, "target-too-long", "16 KiB")
