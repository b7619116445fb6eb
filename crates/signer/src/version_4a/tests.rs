use super::*;

#[test]
fn region_sets_are_names_and_stars() {
    for good in ["*", "us-east-1", "us-*,eu-west-1"] {
        assert_eq!(RegionSet::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", ",", "us-east-1,", "US-EAST-1", "a b", "a\n", &"a".repeat(1025)] {
        assert_eq!(RegionSet::parse(bad).unwrap_err(), InvalidRegionSet, "{bad:?}");
    }
    assert_eq!(RegionSet::all().as_str(), "*");
}

#[test]
fn one_is_added_with_carries() {
    let mut number = [0; 32];
    number[31] = 0xFF;
    number[30] = 0xFF;
    add_one(&mut number);
    assert_eq!(number[29..], [1, 0, 0]);
}

#[test]
fn debug_shows_no_key() {
    let key = SigningKey4a::derive("ID", "hunter2").unwrap();
    assert_eq!(format!("{key:?}"), "SigningKey4a(<redacted>)");
}
