//! How often signing asks for memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/sign/case.rs"]
mod case;

use case::Case;

/// The canonical request, the pairs of a query that must be sorted, the list of signed headers, what the header values
/// share, and twice the map of headers where it has to grow.
const MOST: u64 = 6;

#[test]
fn a_signature_takes_six_allocations_at_most() {
    for case in Case::all() {
        let identity = case.identity();
        let (ours, theirs) = (case.ours(), case.theirs(&identity));
        // Derives the key of the day, which is once a day.
        let mut head = case.head.clone();
        assert_eq!(ours.sign().signature(), theirs.sign().signature(), "{}", case.name);

        let counted = allocation_counter::measure(|| ours.sign().apply(&mut head));
        let compared = allocation_counter::measure(|| drop(theirs.sign()));
        assert!(head.headers.contains_key("authorization"));
        let name = case.name;
        println!("{name}: {}, aws-sigv4 {}", counted.count_total, compared.count_total);
        assert!(counted.count_total <= MOST, "{name}: {counted:?}");
    }
}
