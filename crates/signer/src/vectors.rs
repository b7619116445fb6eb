//! Signatures that others computed: AWS's test suites, the documentation's examples, and our known answers.

mod known_answers;
mod request;
