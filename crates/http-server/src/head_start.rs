//! What can be read of a head that is no request: for the log.

/// Bytes of a path that a log line is worth.
const LONGEST_PATH: usize = 256;

/// No method has a longer name.
const LONGEST_METHOD: usize = 32;

/// The beginning of a request line, as far as it looks like one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeadStart {
    /// The method, where the head begins with one.
    pub method: Option<String>,
    /// The beginning of the path, in ASCII and without the query, which may hold secrets; without the authority of a URL,
    /// where a password may be.
    pub path: Option<String>,
}

impl HeadStart {
    /// Of what a client sent, complete or not.
    pub(crate) fn of(head: &[u8]) -> Self {
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(blank) = memchr::memchr(b' ', line) else {
            return Self::default();
        };
        let (method, target) = line.split_at_checked(blank).unwrap_or_default();
        let is_method = (1..=LONGEST_METHOD).contains(&method.len())
            && method
                .iter()
                .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
        if !is_method {
            return Self::default();
        }
        let target = target.trim_ascii_start();
        // A blank in the target is among what makes a head malformed.
        let end = memchr::memmem::rfind(target, b" HTTP/").unwrap_or(target.len());
        Self {
            method: String::from_utf8(method.to_vec()).ok(),
            path: target.get(..end).and_then(path),
        }
    }
}

fn path(target: &[u8]) -> Option<String> {
    let path = target.split(|byte| matches!(byte, b'?' | b'#')).next()?;
    let path = match memchr::memmem::find(path, b"://") {
        Some(scheme) => {
            let behind = path.get(scheme + 3..)?;
            behind.get(memchr::memchr(b'/', behind)?..)?
        }
        None => path,
    };
    let shown = path.get(..LONGEST_PATH).unwrap_or(path);
    (!shown.is_empty()).then(|| shown.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_and_path_are_read_as_far_as_they_go() {
        for (head, method, path) in [
            (
                &b"GET /a b?secret HTTP/1.1\r\nx: y\r\n\r\n"[..],
                Some("GET"),
                Some("/a b"),
            ),
            (b"PUT /\xff\x1b[2J HTTP/1.1\r\n", Some("PUT"), Some("/\\xff\\x1b[2J")),
            (b"GET http://u:p@h/b\0#x HTTP/1.1", Some("GET"), Some("/b\\x00")),
            (b"GET http://u:p@h", Some("GET"), None),
            (b"GET", None, None),
            (b"GET ", Some("GET"), None),
            (b"\x16\x03\x01 x", None, None),
            (b"{\"a\": 1}", None, None),
            (b"", None, None),
        ] {
            let start = HeadStart::of(head);
            assert_eq!(
                (start.method.as_deref(), start.path.as_deref()),
                (method, path),
                "{}",
                head.escape_ascii()
            );
        }
        let long = [b"GET /", &[b'a'; 1000][..]].concat();
        assert_eq!(HeadStart::of(&long).path.unwrap().len(), LONGEST_PATH);
    }
}
