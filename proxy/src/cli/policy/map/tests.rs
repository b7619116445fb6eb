use super::map_all;

/// The output for these lines, and what was wrong with the others.
fn mapped(lines: &str) -> (String, Vec<String>) {
    let mut output = Vec::new();
    let bad = map_all(lines.as_bytes(), &mut output).unwrap();
    (String::from_utf8(output).unwrap(), bad)
}

#[track_caller]
fn check(line: &str, want: &str) {
    assert_eq!(mapped(line), (format!("{want}\n"), Vec::new()), "{line}");
}

/// The pairs of a request to S3.
#[track_caller]
fn s3(url: &str, pairs: &str) {
    let line = format!(r#"{{"service":"s3","region":"eu-west-1","method":"GET","url":"{url}"}}"#);
    let (line_out, _) = mapped(&line);
    assert!(line_out.contains(&format!(r#""pairs":{pairs},"#)), "{url}: {line_out}");
}

#[track_caller]
fn rejected(line: &str, want: &str) {
    let (line_out, bad) = mapped(line);
    assert!(bad.is_empty(), "{bad:?}");
    assert!(
        line_out.contains(r#""operation":null,"pairs":[],"rejected":true"#) && line_out.contains(want),
        "{line}: {line_out}"
    );
}

#[test]
fn a_line_of_output_has_its_keys_in_order() {
    check(
        r#"{"id":7,"service":"s3","region":"eu-west-1","account":"111122223333","method":"GET","url":"https://b.s3.eu-west-1.amazonaws.com/a*","headers":{"a":["b","c"]},"body":null}"#,
        r#"{"id":7,"operation":"GetObject","pairs":[["s3:GetObject","arn:aws:s3:::b/a${*}"]],"rejected":false,"unresolved":[],"advisory":[["s3:ListBucket","arn:aws:s3:::b"]]}"#,
    );
    check(
        r#"{"id":"x","service":"s3","region":"eu-west-1","method":"PUT","url":"https://B.S3.eu-west-1.amazonaws.com/k","headers":[["x-amz-server-side-encryption-aws-kms-key-id","alias/a"]]}"#,
        r#"{"id":"x","operation":"PutObject","pairs":[["s3:PutObject","arn:aws:s3:::b/k"]],"rejected":false,"unresolved":["kms:GenerateDataKey"],"advisory":[]}"#,
    );
}

#[test]
fn the_target_is_read_as_it_is_sent() {
    let object = |key: &str| format!(r#"[["s3:GetObject","arn:aws:s3:::b/{key}"]]"#);
    s3(
        "https://s3.eu-west-1.amazonaws.com/b/a/../%2e%2E//c",
        &object("a/../..//c"),
    );
    s3("https://s3.eu-west-1.amazonaws.com/b%2Fk", &object("k"));
    s3("http://localhost:9000/b/a+b", &object("a+b"));
    s3("https://B.S3.EU-WEST-1.AMAZONAWS.COM:443/K", &object("K"));
    s3(
        "https://b.s3.eu-west-1.amazonaws.com/k?%61cl",
        r#"[["s3:GetObjectAcl","arn:aws:s3:::b/k"]]"#,
    );
    s3(
        "https://b.s3.eu-west-1.amazonaws.com?acl",
        r#"[["s3:GetBucketAcl","arn:aws:s3:::b"]]"#,
    );
    s3(
        "https://b.s3.eu-west-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00&X-Amz-Credential=a",
        &object("k"),
    );
}

#[test]
fn what_the_proxy_would_reject_is_rejected() {
    let line = |url: &str| format!(r#"{{"service":"s3","region":"eu-west-1","method":"GET","url":"{url}"}}"#);
    rejected(&line("https://b.s3.eu-west-1.amazonaws.com/k#acl"), "%23");
    // As the proxy escapes it: a part of the name.
    rejected(&line("https://b.s3.eu-west-1.amazonaws.com/k?a;b"), "query parameter");
    rejected(&line("https://u@b.s3.eu-west-1.amazonaws.com/k"), "userinfo");
    rejected(&line("https://b.s3.eu-west-1.amazonaws.com:8080/k"), "443");
    rejected(&line("https://ec2.eu-west-1.amazonaws.com/"), "not the service's");
    rejected(&line("https://brand-new.eu-west-1.amazonaws.com/b/k"), "no AWS service");
    rejected(
        &line("https://b.s3.eu-west-1.amazonaws.com/?acl&policy"),
        "sub-resources",
    );
    rejected(&line("/b/k"), "http://");
    rejected(r#"{"method":"GET","url":"http://localhost/b/k"}"#, "service");
    rejected(
        r#"{"service":"s3","method":"GET","url":"http://localhost/b/k"}"#,
        "region",
    );
    rejected(
        r#"{"service":"s3","region":"r","url":"http://localhost/b/k"}"#,
        "method",
    );
    rejected(
        r#"{"service":"s3","region":"r","method":"GET","url":"http://localhost/b/k","account":"1"}"#,
        "account",
    );
    rejected(
        r#"{"service":"s3","region":"r","method":"GET","url":"http://localhost/b/k","headers":5}"#,
        "headers",
    );
    rejected(
        r#"{"service":"sqs","region":"r","method":"GET","url":"http://localhost/b/k"}"#,
        "sqs",
    );
    rejected("5", "url");
}

#[test]
fn bodies_are_text_or_base64() {
    let line = |body: &str| {
        format!(r#"{{"service":"s3","region":"r","method":"POST","url":"http://localhost/b?delete",{body}}}"#)
    };
    let xml = "<Delete><Object><Key>k</Key></Object></Delete>";
    let base64 = "PERlbGV0ZT48T2JqZWN0PjxLZXk+azwvS2V5PjwvT2JqZWN0PjwvRGVsZXRlPg==";
    for body in [
        format!(r#""body":"{xml}""#),
        format!(r#""body":{{"base64":"{base64}"}}"#),
        format!(r#""body_base64":"{base64}""#),
    ] {
        let (line_out, _) = mapped(&line(&body));
        assert!(
            line_out.contains(r#"[["s3:DeleteObject","arn:aws:s3:::b/k"]]"#),
            "{line_out}"
        );
    }
    rejected(&line(r#""body":null"#), "XML");
    rejected(&line(r#""body":5"#), "body");
    rejected(&line(r#""body":"a","body_base64":"YQ==""#), "body");
    rejected(&line(r#""body_base64":"*""#), "body");
}

#[test]
fn a_line_that_is_no_json_does_not_stop_the_others() {
    let good = r#"{"service":"s3","region":"r","method":"GET","url":"http://localhost/"}"#;
    let (lines, bad) = mapped(&format!("{good}\nnot json\n\n{good}"));
    assert_eq!(lines.lines().count(), 2);
    assert_eq!(bad.len(), 1);
    assert!(bad[0].starts_with("line 2: "), "{bad:?}");
}
