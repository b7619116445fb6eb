//! Contents behind names: written in place, renamed over, swapped by a link.

use std::fs;
use std::path::Path;

use tokio::time::{Instant, timeout};

use super::*;

/// Far more looks than any change takes.
const TEST_TIMEOUT: Duration = Duration::from_mins(1);

async fn watch(files: &[&Path]) -> FileWatch {
    FileWatch::of(files.iter().map(|path| path.to_path_buf()).collect()).await
}

async fn notices(watch: &FileWatch) -> bool {
    timeout(TEST_TIMEOUT, watch.changed()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn another_content_is_noticed_however_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, "one").unwrap();
    let changes: [&dyn Fn(); 3] = [
        // In place and of the same length.
        &|| fs::write(&file, "two").unwrap(),
        // As editors do.
        &|| {
            let other = folder.path().join("a.toml.new");
            fs::write(&other, "three").unwrap();
            fs::rename(&other, &file).unwrap();
        },
        &|| fs::remove_file(&file).unwrap(),
    ];
    for change in changes {
        let watch = watch(&[&file]).await;
        assert!(!notices(&watch).await);
        change();
        assert!(notices(&watch).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_swap_of_the_link_that_the_folder_is_reached_by_is_noticed() {
    use std::os::unix::fs::symlink;

    // As the kubelet lays a ConfigMap out: a.toml -> ..data/a.toml, ..data -> ..2026_1.
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (generation, content) in [("..2026_1", "one"), ("..2026_2", "two"), ("..2026_3", "two")] {
        fs::create_dir(at(generation)).unwrap();
        fs::write(at(generation).join("a.toml"), content).unwrap();
    }
    let swap = |generation: &str| {
        symlink(generation, at("..data_tmp")).unwrap();
        fs::rename(at("..data_tmp"), at("..data")).unwrap();
    };
    swap("..2026_1");
    symlink("..data/a.toml", at("a.toml")).unwrap();

    let file = at("a.toml");
    let watch = watch(&[&file]).await;
    assert!(!notices(&watch).await);
    swap("..2026_2");
    assert!(notices(&watch).await);
    // The same content in another place is no change.
    let watch = watch.now().await;
    swap("..2026_3");
    assert!(!notices(&watch).await);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_written_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    fs::write(&file, "").unwrap();
    let watch = watch(&[&file]).await;
    let write = async {
        for pieces in 1..=10 {
            fs::write(&file, "piece ".repeat(pieces)).unwrap();
            sleep(INTERVAL / 2).await;
        }
        Instant::now()
    };
    let notice = async {
        watch.changed().await;
        Instant::now()
    };
    let (written, noticed) = tokio::join!(write, notice);
    assert!(noticed >= written, "{:?} too early", written - noticed);
}

#[tokio::test(start_paused = true)]
async fn what_changes_while_the_configuration_is_loaded_is_noticed_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let (file, policy, late) = (
        folder.path().join("a.toml"),
        folder.path().join("policy.json"),
        folder.path().join("late.pem"),
    );
    fs::write(&file, "one").unwrap();
    fs::write(&policy, "one").unwrap();
    let before = watch(&[&file]).await.now().await;
    fs::write(&file, "two").unwrap();
    assert!(notices(&before.follow(&[file.clone(), policy.clone()]).await).await);

    let followed = watch(&[&file]).await.follow_also(&[policy.clone(), late.clone()]).await;
    assert!(!notices(&followed).await);
    fs::write(&late, "here").unwrap();
    assert!(notices(&followed).await);
    let without = followed.now().await.follow(&[file]).await;
    fs::write(&policy, "two").unwrap();
    assert!(!notices(&without).await);
}
