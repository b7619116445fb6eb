use policy_gen::mapping::{Need, Resource};

use super::*;

fn need(key: &str) -> Vec<Needed> {
    vec![Needed::of(&Need::new(
        "s3:GetObject",
        Resource::Exact(format!("arn:aws:s3:::b/{key}")),
    ))]
}

fn on_disk(path: &Path) -> RecordSet {
    RecordSet::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_record_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let book = Book::open(&path).unwrap();
    book.note(need("one"), 100, Some(200));
    drop(book);
    let book = Book::open(&path).unwrap();
    book.note(need("one"), 200, None);
    book.note(need("two"), 200, Some(404));
    book.write();
    let set = on_disk(&path);
    let seen: Vec<_> = set
        .iter()
        .map(|(_, seen)| (seen.count, seen.first, seen.last))
        .collect();
    assert_eq!(seen, [(2, 100, 200), (1, 200, 200)]);
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "nothing else is left: {files:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_soon_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let book = Book::open(&path).unwrap();
    book.note(need("one"), 100, Some(200));
    // The clock stands still but for sleepers, so this ends when the writer has had its time.
    sleep(NEW_ENTRY * 2).await;
    while !path.exists() {
        tokio::task::yield_now().await;
    }
    assert_eq!(on_disk(&path).len(), 1);
    drop(book);
}

#[test]
fn what_is_no_record_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "dear diary").unwrap();
    assert!(matches!(Book::open(&path), Err(BookError::NoRecord { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
    let nowhere = folder.path().join("missing/record.json");
    assert!(matches!(Book::open(&nowhere), Err(BookError::Unreadable { .. })));
}

#[test]
fn a_file_that_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/record.json");
    fs::create_dir(folder.path().join("sub")).unwrap();
    let book = Book::open(&path).unwrap();
    book.note(need("one"), 100, Some(200));
    fs::remove_dir(folder.path().join("sub")).unwrap();
    book.write();
    assert!(!path.exists());
    fs::create_dir(folder.path().join("sub")).unwrap();
    book.write();
    assert_eq!(on_disk(&path).len(), 1);
}

/// One writer is in the middle of it while another one, at a shutdown, writes what came since.
#[test]
fn older_text_never_takes_the_place_of_newer_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.json");
    let book = Book::open(&path).unwrap();
    for round in 1..=100 {
        book.note(need("one"), 100, Some(200));
        std::thread::scope(|scope| {
            scope.spawn(|| book.write());
            // It has its text.
            while book.state.lock().unwrap().is_changed {
                std::thread::yield_now();
            }
            book.note(need("one"), 200, Some(200));
            book.write();
        });
        let count = on_disk(&path).iter().map(|(_, seen)| seen.count).sum::<u64>();
        assert_eq!(count, 2 * round);
    }
}
