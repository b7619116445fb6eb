//! What a copy asks for besides the write: its source, and what is taken along.

use super::copy::Source;
use super::express::SESSION;
use super::target::Target;
use super::{Found, query};
use crate::mapping::{Mapping, MappingError, Need, Request};

impl Found<'_> {
    /// The source of a copy: it is read, and what hangs on it may be copied with it.
    pub(super) fn fill_source(&self, mapping: &mut Mapping, target: Target<'_>) -> Result<(), MappingError> {
        let source = Source::read(target.request)?;
        mapping.has_empty_segment |= source.has_empty_segment;
        if source.is_express {
            mapping.required.push(Need::new(SESSION, source.object));
            return Ok(());
        }
        let of = |plain: &'static str, versioned: &'static str| if source.names_version { versioned } else { plain };
        let read = of("s3:GetObject", "s3:GetObjectVersion");
        if self.row.name == "CopyObject" && target.container.prefix() != "s3express" {
            let annotations = [
                Need::new(
                    of("s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation"),
                    source.object.clone(),
                ),
                target.need("s3:PutObjectAnnotation")?,
            ];
            match self.annotation_directive(target.request) {
                Directive::Copy => mapping.required.extend(annotations),
                Directive::Default => mapping.advisory.extend(annotations),
                Directive::Leave => {}
            }
            let replaces_tags = target
                .request
                .headers
                .get("x-amz-tagging-directive")
                .is_some_and(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"REPLACE"));
            if !replaces_tags {
                let tags = of("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
                mapping.advisory.push(Need::new(tags, source.object.clone()));
                mapping.advisory.push(target.need("s3:PutObjectTagging")?);
            }
        }
        mapping.required.push(Need::new(read, source.object));
        Ok(())
    }

    fn annotation_directive(&self, request: &Request<'_>) -> Directive {
        let headers = request.headers.get_all(query::ANNOTATION_DIRECTIVE).iter();
        let headers = headers.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut directive = Directive::Default;
        for value in headers.chain(self.query.values_of_header(query::ANNOTATION_DIRECTIVE)) {
            directive = match value.trim_ascii() {
                "EXCLUDE" if directive != Directive::Copy => Directive::Leave,
                _ => Directive::Copy,
            };
        }
        directive
    }
}

/// Whether the annotations of an object are copied with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directive {
    /// The request says so.
    Copy,
    /// It says nothing, so they are where there are any.
    Default,
    /// It says not to.
    Leave,
}
