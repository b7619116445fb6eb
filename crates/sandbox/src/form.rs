//! Parameters of the Query protocols: `application/x-www-form-urlencoded`, in the body or in the query.

use percent_encoding::percent_decode_str;

/// The decoded pairs, in order. An unreadable escape stays as it is.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        Self(
            text.split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// The first value of `name`; an empty one counts as absent.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, value)| given == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let form = Form::parse("Action=A&RoleArn=arn%3Aaws%3Aiam&x=a+b%2B&empty=&&flag");
        assert_eq!(form.value("RoleArn"), Some("arn:aws:iam"));
        assert_eq!(form.value("x"), Some("a b+"));
        assert_eq!(form.value("empty"), None);
        assert_eq!(form.value("flag"), None);
    }
}
