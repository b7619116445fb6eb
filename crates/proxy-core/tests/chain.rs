//! The compiler keeps the order of the steps: what is out of order does not compile, and for the reason that is written beside it.
//!
//! `TRYBUILD=overwrite cargo test -p proxy-core --test chain` writes the expected errors again.

#[test]
fn only_steps_in_their_order_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/chain/in_order.rs");
    cases.compile_fail("tests/chain/wrong/*.rs");
}
