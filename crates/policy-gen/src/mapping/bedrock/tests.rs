use crate::mapping::test_request::{TestRequest, test_request};
use crate::mapping::{BodyNeed, needs_body};

const HOST: &str = "bedrock-runtime.eu-west-1.amazonaws.com";
const MODEL: &str = "anthropic.claude-3-haiku-20240307-v1:0";

fn post(path: &str, body: &str) -> TestRequest {
    test_request(&format!("POST {HOST}{path}")).with_body(body)
}

/// Of the ARNs, `~` stands for what comes before the resource, in the account.
#[track_caller]
fn is(request: &TestRequest, want: &[&str]) {
    let want: Vec<String> = want
        .iter()
        .map(|need| need.replace('~', "arn:aws:bedrock:eu-west-1:111122223333:"))
        .collect();
    request.is(&want.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_foundation_model_has_no_account() {
    let arn = format!("arn:aws:bedrock:eu-west-1::foundation-model/{MODEL}");
    for (path, action) in [
        ("invoke", "InvokeModel"),
        ("converse", "InvokeModel"),
        ("invoke-with-bidirectional-stream", "InvokeModel"),
        ("invoke-with-response-stream", "InvokeModelWithResponseStream"),
        ("converse-stream", "InvokeModelWithResponseStream"),
        ("count-tokens", "CountTokens"),
    ] {
        let want = format!("bedrock:{action} {arn}");
        is(&post(&format!("/model/{MODEL}/{path}"), "{}"), &[&want]);
        let encoded = MODEL.replace(':', "%3A");
        is(&post(&format!("/model/{encoded}/{path}"), "{}"), &[&want]);
    }
    let body = format!(r#"{{"modelId":"{MODEL}","modelInput":{{}},"tags":[{{"key":"a"}}]}}"#);
    is(
        &post("/async-invoke", &body),
        &[
            &format!("bedrock:InvokeModel {arn}"),
            "bedrock:TagResource ~async-invoke/*",
        ],
    );
}

#[test]
fn a_profile_takes_its_models_along() {
    is(
        &post(&format!("/model/eu.{MODEL}/invoke"), ""),
        &[
            &format!("bedrock:InvokeModel ~inference-profile/eu.{MODEL}"),
            &format!(
                "bedrock:InvokeModel arn:aws:bedrock:*::foundation-model/{MODEL} if \
                 bedrock:InferenceProfileArn=~inference-profile/eu.{MODEL}"
            ),
        ],
    );
    let arn = format!("arn:aws:bedrock:us-east-1:444455556666:inference-profile/global.{MODEL}");
    let through = format!("if bedrock:InferenceProfileArn={arn}");
    is(
        &post(
            &format!("/model/{}/converse", arn.replace(':', "%3A").replace('/', "%2F")),
            "{}",
        ),
        &[
            &format!("bedrock:InvokeModel {arn}"),
            &format!("bedrock:InvokeModel arn:aws:bedrock:*::foundation-model/{MODEL} {through}"),
            &format!("bedrock:InvokeModel arn:aws:bedrock:::foundation-model/{MODEL} {through}"),
        ],
    );
    let unknown = post(&format!("/model/us-gov.{MODEL}/invoke"), "").without_account();
    is(&unknown, &["bedrock:InvokeModel ?"]);
}

#[test]
fn arns_are_taken_as_they_are() {
    let check = |resource: &str, want: &[&str]| {
        let arn = format!("arn:aws:bedrock:eu-west-1:111122223333:{resource}");
        let path = format!("/model/{}/converse", arn.replace(':', "%3A").replace('/', "%2f"));
        is(&post(&path, "{}"), want);
    };
    check("provisioned-model/abc", &["bedrock:InvokeModel ~provisioned-model/abc"]);
    check("imported-model/abc", &["bedrock:InvokeModel ~imported-model/abc"]);
    check(
        "application-inference-profile/abc",
        &[
            "bedrock:InvokeModel ~application-inference-profile/abc",
            "bedrock:InvokeModel ?",
        ],
    );
    check(
        "default-prompt-router/anthropic.claude:1",
        &[
            "bedrock:InvokeModel ~default-prompt-router/anthropic.claude:1",
            "bedrock:InvokeModel ?",
        ],
    );
    check(
        "prompt/ABCDEFGHIJ:1",
        &["bedrock:RenderPrompt ~prompt/ABCDEFGHIJ:1", "bedrock:InvokeModel ?"],
    );
    is(&post("/model/abc123/invoke", ""), &["bedrock:InvokeModel ?"]);
}

#[test]
fn guardrails_and_tools_are_required() {
    let invoke = || post(&format!("/model/{MODEL}/invoke"), "");
    let model = format!("bedrock:InvokeModel arn:aws:bedrock:eu-west-1::foundation-model/{MODEL}");
    let header = "X-Amzn-Bedrock-GuardrailIdentifier";
    is(
        &invoke().with(header, "gr1"),
        &[&model, "bedrock:ApplyGuardrail ~guardrail/gr1"],
    );
    is(&invoke().with(header, ""), &[&model]);
    invoke()
        .with(header, "gr1")
        .with(header, "gr2")
        .is_rejected("two headers");
    invoke().with(header, "*").is_rejected("guardrail");
    let to_model = |body: &str| post(&format!("/model/{MODEL}/converse"), body);
    is(
        &to_model(
            r#"{"guardrailConfig":{"guardrailIdentifier":"gr1"},"toolConfig":{"tools":[{"toolSpec":{}},{"systemTool":{"name":"nova"}}]}}"#,
        ),
        &[
            &model,
            "bedrock:ApplyGuardrail ~guardrail/gr1",
            "bedrock:InvokeTool arn:aws:bedrock::111122223333:system-tool/nova",
        ],
    );
    is(
        &to_model(r#"{"guardrailConfig":{}}"#),
        &[&model, "bedrock:ApplyGuardrail ?"],
    );
    to_model(r#"{"guardrailConfig":{},"guardrailConfig":{"guardrailIdentifier":"a"}}"#).is_rejected("once");
    to_model(r#"{"guardrailconfig":{}}"#).is_rejected("another case");
    to_model("").is_rejected("JSON");
    is(
        &post("/guardrail/gr1/version/DRAFT/apply", ""),
        &["bedrock:ApplyGuardrail ~guardrail/gr1"],
    );
}

#[test]
fn invocations_are_named_by_their_arn() {
    let arn = "arn:aws:bedrock:eu-west-1:111122223333:async-invoke/abc123def456";
    let get = test_request(&format!("GET {HOST}/async-invoke/{}", arn.replace('/', "%2F")));
    is(&get, &[&format!("bedrock:GetAsyncInvoke {arn}")]);
    is(
        &test_request(&format!("GET {HOST}/async-invoke?maxResults=1")),
        &["bedrock:ListAsyncInvokes *"],
    );
    is(
        &post("/guardrail-checks/invoke", "{}"),
        &["bedrock:InvokeGuardrailChecks *"],
    );
    test_request(&format!("GET {HOST}/async-invoke/abc")).is(&["bedrock:GetAsyncInvoke ?"]);
    test_request(&format!("GET {HOST}/async-invoke/*")).is_rejected("ARN");
    let body = r#"{"modelId":"amazon.nova-reel-v1:0","outputDataConfig":{"s3OutputDataConfig":{"s3Uri":"s3://b/p"}}}"#;
    let model = "bedrock:InvokeModel arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-reel-v1:0";
    is(
        &post("/async-invoke", body),
        &[model, "s3:PutObject arn:aws:s3:::b/p/*"],
    );
    let input = body.replacen('{', r#"{"modelInput":{"a":[{"uri":"s3://in/x.png"}]},"#, 1);
    is(
        &post("/async-invoke", &input),
        &[
            model,
            "s3:PutObject arn:aws:s3:::b/p/*",
            "s3:GetObject arn:aws:s3:::in/x.png",
        ],
    );
    post("/async-invoke", &body.replace("s3://b", "https://b")).is_rejected("s3Uri");
}

#[test]
fn objects_that_a_body_names_are_read_as_the_caller() {
    let model = format!("bedrock:InvokeModel arn:aws:bedrock:eu-west-1::foundation-model/{MODEL}");
    let invoke = |verb: &str, body: &str| post(&format!("/model/{MODEL}/{verb}"), body);
    let message =
        r#"{"messages":[{"content":[{"image":{"source":{"s3Location":{"uri":"s3://payroll/2026/x.png"}}}}]}]}"#;
    let read = "s3:GetObject arn:aws:s3:::payroll/2026/x.png";
    is(&invoke("converse", message), &[&model, read]);
    is(&invoke("invoke", message), &[&model, read]);
    is(
        &invoke("invoke", r#"{"a":" S\u0033:\/\/payroll\/2026\/x.png"}"#),
        &[&model, read],
    );
    is(
        &invoke("invoke", r#"{"a":"s3://payroll/2026/"}"#),
        &[&model, "s3:GetObject arn:aws:s3:::payroll/2026/*"],
    );
    for (text, object) in [
        ("see s3://payroll/x", "payroll/x*"),
        ("see s3://payroll/2026/x.png and", "payroll/2026/x*"),
        ("xS3://payroll", "payroll/*"),
        (r#"{\"uri\":\"s3://payroll/x\"}"#, "payroll/x*"),
        (r#"{\"uri\":\"s3:\\/\\/payroll\\/x\"}"#, "payroll/*"),
    ] {
        let need = format!("s3:GetObject arn:aws:s3:::{object}");
        is(&invoke("invoke", &format!(r#"{{"a":"{text}"}}"#)), &[&model, &need]);
    }
    is(
        &invoke("invoke", r#"{"a":"write s3://<bucket>"}"#),
        &[&model, "s3:GetObject ?"],
    );
    is(
        &invoke("invoke", r#"{"a":"s3://mine/a s3://payroll/x"}"#),
        &[
            &model,
            "s3:GetObject arn:aws:s3:::mine/a s3://payroll/x",
            "s3:GetObject arn:aws:s3:::payroll/x*",
        ],
    );
    is(&invoke("invoke", r#"{"a":"s3:/payroll, us3: //x"}"#), &[&model]);
    is(&invoke("invoke", "no JSON, and no place either"), &[&model]);
    invoke("invoke", "no JSON, but s3://payroll/x").is_rejected("JSON");
    invoke("invoke", r#"{"a":"s3://pay roll/x"}"#).is_rejected("bucket");
}

/// Readers of JSON detect UTF-16 and UTF-32 by the zeros in them.
#[test]
fn a_body_in_another_encoding_hides_no_object() {
    let text = r#"{"a":{"s3Location":{"uri":"s3://x/y"}}}"#;
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for mark in ["", "\u{feff}"] {
        let text = [mark, text].concat();
        bodies.push(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        bodies.push(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
        bodies.push(text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect());
        bodies.push(text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect());
    }
    for body in bodies {
        for kind in [None, Some("application/json"), Some("text/plain"), Some("image/png")] {
            let request = test_request(&format!("POST {HOST}/model/{MODEL}/invoke")).with_body(body.clone());
            let request = kind
                .into_iter()
                .fold(request, |request, kind| request.with("content-type", kind));
            request.is_rejected("the body");
        }
    }
    let bytes = |kind| {
        let request = test_request(&format!("POST {HOST}/model/{MODEL}/invoke")).with_body(vec![0x89, b'P', 0, 0xff]);
        request.with("content-type", kind)
    };
    assert!(bytes("image/png").map().is_ok());
    bytes("application/json").is_rejected("UTF-8");
}

#[test]
fn ids_that_could_mean_more_are_rejected() {
    for id in [
        "*",
        "%2A",
        "anthropic.*",
        "a%2Fb",
        "%252F",
        "a%25",
        "..",
        "%2e%2e",
        "a%00",
        "a b",
        "",
        "arn:aws:bedrock",
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Afoundation-model%2F*",
        "arn%3Aaws%3Abedrock%3A*%3A%3Afoundation-model%2Fa.b",
        "arn%3Aaws%3As3%3A%3A%3Ab%2Fk",
        "arn%3Aaws%3Abedrock%3Aeu-west-1%3A111122223333%3Afoundation-model%2Fa.b",
    ] {
        assert!(post(&format!("/model/{id}/invoke"), "").map().is_err(), "{id}");
    }
    for path in [
        "/model/a.b/invoke/",
        "//model/a.b/invoke",
        "/model/a.b/Invoke",
        "/model/./a.b/invoke",
        "/Model/a.b/invoke",
        "/model/arn:aws:bedrock:eu-west-1::foundation-model/a.b/invoke",
        "/",
    ] {
        assert!(post(path, "").map().is_err(), "{path}");
    }
    post("/model/a.b/invoke", "")
        .with("x-amz-target", "X.Y")
        .is_rejected("header");
}

#[test]
fn inference_streams_unless_the_body_names_a_guardrail() {
    let need = |path: &str| needs_body(&post(path, "").as_request());
    assert_eq!(need("/model/a.b/invoke"), BodyNeed::No);
    assert_eq!(need("/model/a.b/invoke-with-response-stream"), BodyNeed::No);
    assert!(matches!(need("/model/a.b/converse"), BodyNeed::UpTo(_)));
    assert!(matches!(need("/async-invoke"), BodyNeed::UpTo(_)));
}
