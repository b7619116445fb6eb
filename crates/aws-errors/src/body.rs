//! What the reader of each form finds.

/// What a body has, before it is checked and bounded.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) region: Option<String>,
    /// The code stands where other programs seldom have one.
    pub(crate) is_aws_form: bool,
}
