//! Requests that two readers may take in two ways.

use super::dice::Dice;
use super::made::{FORM, Made, S3_FIELDS};

const FORMS: [&str; 6] = [
    "Action=CreateInternetGateway&Version=2016-11-15",
    "Action=TerminateInstances&InstanceId.1=i-0b1",
    "Action=GetSessionToken&Version=2011-06-15",
    "Version=1",
    "x",
    "&=&",
];

/// Changes a request so that two readers may take it in two ways.
pub(super) fn twist(dice: &mut Dice, request: &mut Made) {
    let form = dice.pick(&FORMS);
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    match dice.below(18) {
        0 | 1 => {
            "GET".clone_into(&mut request.method);
            if request.body.is_empty() {
                request.body = form.into();
            }
            if dice.one_in(2) {
                request.add("Content-Type", FORM);
            }
        }
        2 => request.body.extend(format!("&{form}").bytes()),
        3 => (dice.pick(&["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])).clone_into(&mut request.method),
        4 => {
            let word = dice.pick(&[
                "acl",
                "Action=CreateVpc",
                "foo=bar",
                "ACL",
                "%61cl",
                "uploadId=x",
                "Action",
                "&&",
                "a=b?c",
            ]);
            let mark = if query.is_empty() { "" } else { "&" };
            request.target = format!("{path}?{query}{mark}{word}");
        }
        5 => request.target = format!("{path}?{form}&{query}"),
        6 if !request.body.is_empty() => {
            let at = dice.below(request.body.len());
            let escaped = format!("%{:02X}", request.body[at]);
            request.body.splice(at..=at, escaped.bytes());
        }
        7 => {
            let at = 1 + dice.below(request.target.len());
            if let Some(octet) = request
                .target
                .as_bytes()
                .get(at)
                .copied()
                .filter(u8::is_ascii_alphanumeric)
                && !request.target.contains('%')
            {
                request.target.replace_range(at..=at, &format!("%{octet:02x}"));
            }
        }
        8 => request.headers.retain(|(name, _)| name != "Content-Type"),
        9 => {
            let charset = dice.pick(&["utf-16", "latin-1", "UTF8", "utf-8; charset=utf-7"]);
            for (_, value) in request.headers.iter_mut().filter(|(name, _)| name == "Content-Type") {
                value.push_str("; charset=");
                value.push_str(charset);
            }
        }
        10 => request.add(
            "X-Amz-Target",
            dice.pick(&[
                "DynamoDB_20120810.DeleteTable",
                "DynamoDB_20120810.Scan",
                "WorkspacesService.DescribeTags",
                "a",
            ]),
        ),
        11 => {
            let (name, value) = dice.pick(&S3_FIELDS);
            request.add(name, value);
        }
        12 => request.replace(
            "Action=",
            dice.pick(&["action=", "Action =", "Action%00=", "Action=X&Action="]),
        ),
        13 => request.replace(
            "\"TableName\"",
            dice.pick(&[
                "\"TableName\": \"private\", \"TableName\"",
                "\"tableName\"",
                "\"Table\\u004eame\"",
                "\"TableName\" ",
            ]),
        ),
        14 => request.replace(
            "InstanceId.1",
            dice.pick(&[
                "InstanceId.2",
                "InstanceId.01",
                "InstanceId",
                "InstanceId.1.x",
                "instanceid.1",
                "InstanceId.%2B1",
            ]),
        ),
        15 => {
            let before = dice.pick(&["/", "//", "/./", "/x/../", "/%2e/"]);
            request.target = format!("{before}{}", &request.target[1..]);
        }
        16 => request
            .body
            .extend(dice.pick(&[&b" "[..], b"\n", b"\0", b"&", b"{}", b"\xff"])),
        _ => request.body.insert(0, dice.pick(b" \n\xef{[")),
    }
}
