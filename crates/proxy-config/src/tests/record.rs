//! `record`: `serve` would not start where it cannot be kept.

use super::*;

#[test]
fn a_record_is_kept_in_a_folder_that_exists() {
    let folder = tempfile::tempdir().unwrap();
    let with = |path: &std::path::Path| {
        let record = format!(
            "service = \"s3\"\nregion = \"eu-west-1\"\nrecord = \"{}\"\n{CHAIN}",
            path.display()
        );
        connection(&record)
    };
    let file = folder.path().join("r.json");
    read(&with(&file), &[]).unwrap();
    assert!(!file.exists(), "the check changes nothing");
    // Where it was written is no folder that could be looked for.
    read(&with(std::path::Path::new("r.json")), &[]).unwrap();
    for bad in [folder.path().join("no/dir/r.json"), folder.path().to_owned()] {
        reject(
            &with(&bad),
            &[
                "signing-proxy.toml:4:1: connections.a.record: must be a file, which need not exist, in a folder that exists",
            ],
        );
    }
}
