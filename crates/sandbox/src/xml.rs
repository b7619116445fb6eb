//! A small XML writer that escapes what it is given.

/// An XML document under construction.
#[derive(Debug)]
pub(crate) struct Xml(String);

impl Xml {
    pub(crate) fn document() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    /// `<name>text</name>`, the text escaped.
    pub(crate) fn text(mut self, name: &str, text: impl AsRef<str>) -> Self {
        self.tag("<", name);
        escape_into(&mut self.0, text.as_ref());
        self.tag("</", name);
        self
    }

    /// `<name>` … `</name>` around what `inner` writes.
    pub(crate) fn element(mut self, name: &str, inner: impl FnOnce(Self) -> Self) -> Self {
        self.tag("<", name);
        let mut whole = inner(self);
        whole.tag("</", name);
        whole
    }

    /// As [`Xml::element`], with a default namespace.
    pub(crate) fn element_in(mut self, name: &str, namespace: &str, inner: impl FnOnce(Self) -> Self) -> Self {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push_str(" xmlns=\"");
        escape_into(&mut self.0, namespace);
        self.0.push_str("\">");
        let mut whole = inner(self);
        whole.tag("</", name);
        whole
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }

    fn tag(&mut self, open: &str, name: &str) {
        self.0.push_str(open);
        self.0.push_str(name);
        self.0.push('>');
    }
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // Not allowed in XML 1.0, not even escaped.
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_element() {
        let xml = Xml::document().element("Error", |x| x.text("Message", "</Message><a b=\"'&\u{0}"));
        assert_eq!(
            xml.into_string(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Message>&lt;/Message&gt;&lt;a b=&quot;&apos;&amp;\u{fffd}</Message></Error>"
        );
    }
}
