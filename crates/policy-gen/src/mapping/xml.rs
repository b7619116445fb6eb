//! A strict reading of the small XML documents that say what a request asks for.
//!
//! Whatever two parsers could read in two ways is rejected: document types, entities beyond the five of XML, comments
//! and processing instructions, prefixed names, attributes other than `xmlns`, bare carriage returns, text beside
//! elements, encodings other than UTF-8.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::MappingError;

/// More than a document with 1,000 keys needs, and little memory.
const MAX_ELEMENTS: usize = 10_000;

/// Deeper than any document of S3.
const MAX_DEPTH: usize = 12;

/// An element with its text or its children.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name.
    pub(super) name: String,
    /// Its text, unescaped; empty where there are children.
    pub(super) text: String,
    /// Its children, in order.
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a whole document, whose root is called `root`.
    pub(super) fn parse(body: &[u8], root: &str) -> Result<Self, MappingError> {
        let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
        let found = Document::default().read(text)?;
        if found.name == root {
            Ok(found)
        } else {
            Err(malformed(format!("its root is called {root}")))
        }
    }

    /// The children of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The only child of this name, if there is one.
    pub(super) fn one(&self, name: &str) -> Result<Option<&Self>, MappingError> {
        let mut found = self.all(name);
        let first = found.next();
        if found.next().is_some() {
            return Err(MappingError::ambiguous(format!("two elements {name} in {}", self.name)));
        }
        Ok(first)
    }

    /// The text of an element without children.
    pub(super) fn leaf(&self) -> Result<&str, MappingError> {
        if self.children.is_empty() {
            Ok(&self.text)
        } else {
            Err(malformed(format!("{} holds text only", self.name)))
        }
    }
}

#[derive(Default)]
struct Document {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Document {
    fn read(mut self, text: &str) -> Result<Element, MappingError> {
        let mut reader = Reader::from_str(text);
        let mut is_first = true;
        loop {
            let event = reader.read_event().map_err(|_| malformed("it is not well-formed"))?;
            match event {
                Event::Start(start) => self.start(&start)?,
                Event::Empty(start) => {
                    self.start(&start)?;
                    self.end()?;
                }
                // The reader has checked that it closes what is open.
                Event::End(_) => self.end()?,
                Event::Text(text) => self.text(&decode(&text)?)?,
                Event::CData(text) => self.text(&decode(&text)?)?,
                Event::GeneralRef(reference) => self.reference(&reference)?,
                Event::Decl(declaration) if is_first => {
                    let encoding = declaration
                        .encoding()
                        .transpose()
                        .map_err(|_| malformed("its declaration"))?;
                    if encoding.is_some_and(|name| !name.eq_ignore_ascii_case(b"utf-8")) {
                        return Err(malformed("it declares another encoding than UTF-8"));
                    }
                }
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {
                    return Err(malformed("comments and processing instructions have no place in it"));
                }
                Event::DocType(_) => return Err(malformed("a document type has no place in it")),
                Event::Eof => break,
            }
            is_first = false;
        }
        if !self.open.is_empty() {
            return Err(malformed("it ends before its root does"));
        }
        self.root.ok_or_else(|| malformed("it is empty"))
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), MappingError> {
        let name = decode(start.name().as_ref())?;
        if name.contains(':') {
            return Err(malformed("names in it have no prefix"));
        }
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| malformed("an attribute is not well-formed"))?;
            let key = attribute.key.as_ref();
            // Type hints such as xsi:type="CanonicalUser" stand in access control lists.
            if key != b"xmlns" && !key.starts_with(b"xmlns:") && key != b"xsi:type" {
                return Err(malformed("the only attributes in it are xmlns and xsi:type"));
            }
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.open.len() >= MAX_DEPTH {
            return Err(malformed("it has too many elements"));
        }
        if self.root.is_some() {
            return Err(malformed("it has one root"));
        }
        self.open.push(Element {
            name,
            ..Element::default()
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), MappingError> {
        let mut done = self.open.pop().ok_or_else(|| malformed("it is not well-formed"))?;
        if !done.children.is_empty() {
            if !done.text.trim_ascii().is_empty() {
                return Err(malformed(format!("{} holds text beside elements", done.name)));
            }
            done.text.clear();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => self.root = Some(done),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), MappingError> {
        match self.open.last_mut() {
            // A parser reads it as a line feed, a careless one as itself.
            Some(_) if text.contains('\r') => Err(malformed("a bare carriage return is ambiguous; write it as &#13;")),
            Some(element) => {
                element.text.push_str(text);
                Ok(())
            }
            None if text.trim_ascii().is_empty() => Ok(()),
            None => Err(malformed("there is text outside of its root")),
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), MappingError> {
        let unknown = || malformed("the entities in it are &amp; &lt; &gt; &quot; &apos; and characters by number");
        let character = match reference.resolve_char_ref().map_err(|_| unknown())? {
            Some(character) => character,
            None => match reference.as_ref() {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                b"quot" => '"',
                b"apos" => '\'',
                _ => return Err(unknown()),
            },
        };
        let element = self.open.last_mut().ok_or_else(unknown)?;
        element.text.push(character);
        Ok(())
    }
}

fn decode(bytes: &[u8]) -> Result<String, MappingError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| malformed("it is not UTF-8"))
}

pub(super) fn malformed(reason: impl Into<std::borrow::Cow<'static, str>>) -> MappingError {
    MappingError::malformed("the body's XML", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(xml: &str) -> Result<String, MappingError> {
        Element::parse(xml.as_bytes(), "a")?.leaf().map(str::to_owned)
    }

    #[test]
    fn text_is_taken_literally() {
        for (xml, want) in [
            ("<a>x</a>", "x"),
            (
                "<?xml version='1.0' encoding='UTF-8'?>\r\n<a xmlns='urn:x'> x\n</a>\n",
                " x\n",
            ),
            ("<a>&amp;&lt;&#42;&#x2a;&#13;</a>", "&<**\r"),
            ("<a><![CDATA[<&amp;]]>y</a>", "<&amp;y"),
            ("<a/>", ""),
        ] {
            assert_eq!(text_of(xml).as_deref(), Ok(want), "{xml}");
        }
    }

    #[test]
    fn what_parsers_disagree_about_is_rejected() {
        for xml in [
            "",
            "x",
            "<b/>",
            "<a>",
            "<a></b>",
            "<a/><a/>",
            "x<a/>",
            "<a/>x",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<!DOCTYPE a><a/>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>& b</a>",
            "<a>x<!-- -->y</a>",
            "<a><?p i?></a>",
            "<a b='c'/>",
            "<n:a xmlns:n='urn:n'/>",
            "<a>x\ry</a>",
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "<a/><?xml version='1.0'?>",
            "<a>x<b/></a>",
            "<a xmlns='x' xmlns='y'/>",
        ] {
            assert!(text_of(xml).is_err(), "{xml}");
        }
        let deep = format!("{}{}", "<a>".repeat(13), "</a>".repeat(13));
        assert!(Element::parse(deep.as_bytes(), "a").is_err());
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        assert!(Element::parse(many.as_bytes(), "a").is_err());
        assert!(Element::parse(b"<a>\xff</a>", "a").is_err());
    }
}
