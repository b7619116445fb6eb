//! One row per request: the request line and what comes of it.

mod contents;
mod listings;
mod operations;
mod places;

use crate::mapping::Need;
use crate::mapping::test_request::TestRequest;

const B: &str = "arn:aws:s3:::b";
const K: &str = "arn:aws:s3:::b/k";

impl TestRequest {
    /// The operation, and its needs: action and resource, `?` where it is unresolved.
    #[track_caller]
    fn does(&self, operation: &str, needs: &[(&str, &str)]) {
        let mapping = self.map().unwrap();
        assert_eq!(mapping.operation, operation);
        assert_eq!(shown(&mapping.required), owned(needs), "{} {}", self.method, self.path);
    }
}

fn shown(needs: &[Need]) -> Vec<(String, String)> {
    let resource = |need: &Need| need.resource.to_iam().map_or_else(|| "?".to_owned(), Into::into);
    needs
        .iter()
        .map(|need| (need.action.to_string(), resource(need)))
        .collect()
}

fn owned(needs: &[(&str, &str)]) -> Vec<(String, String)> {
    needs.iter().map(|(a, r)| ((*a).to_owned(), (*r).to_owned())).collect()
}
