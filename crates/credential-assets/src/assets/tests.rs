//! Files in a temporary directory, an environment that is given.

mod programs;

use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::MAX_FILE_BYTES;
use crate::environment::FixedEnvironment;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY";

struct Room {
    folder: TempDir,
    assets: Assets,
}

impl Room {
    fn new() -> Self {
        let environment = FixedEnvironment::from_iter([("GIVEN", SECRET), ("BLANK", "")]);
        Self {
            folder: TempDir::new().unwrap(),
            assets: Assets::new(environment),
        }
    }

    /// Writes a file with this content and mode 0600; returns its path.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    async fn read(&self, reference: &str) -> Result<String, AssetError> {
        let reference: AssetReference = reference.parse().unwrap();
        self.assets
            .read(&reference)
            .await
            .map(|secret| secret.expose().to_owned())
    }

    async fn read_file(&self, content: impl AsRef<[u8]>, pointer: &str) -> Result<String, AssetError> {
        let path = self.file("asset", content);
        self.read(&format!("file:{}{pointer}", path.display())).await
    }
}

fn keys(id: &str, secret: &str, token: Option<&str>) -> KeyAssets {
    KeyAssets::Parts(KeyParts {
        access_key_id: id.parse().unwrap(),
        secret_access_key: secret.parse().unwrap(),
        session_token: token.map(|token| token.parse().unwrap()),
    })
}

#[tokio::test]
async fn each_kind_of_reference_is_read() {
    let room = Room::new();
    assert_eq!(room.read("env:GIVEN").await.unwrap(), SECRET);
    assert_eq!(room.read("literal:env:GIVEN").await.unwrap(), "env:GIVEN");
    assert_eq!(room.read_file(SECRET, "").await.unwrap(), SECRET);
}

#[tokio::test]
async fn a_trailing_newline_is_trimmed_and_so_is_a_byte_order_mark() {
    let room = Room::new();
    for content in ["S\n", "S\r\n", "S\n\n", "\u{feff}S\n"] {
        assert_eq!(room.read_file(content, "").await.unwrap(), "S", "{content:?}");
    }
    assert_eq!(room.read_file(" S ", "").await.unwrap(), " S ");
}

#[tokio::test]
async fn a_file_over_64_kib_is_rejected() {
    let room = Room::new();
    let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
    assert_eq!(room.read_file("x".repeat(limit), "").await.unwrap().len(), limit);
    let error = room.read_file("x".repeat(limit + 1), "").await.unwrap_err();
    assert!(matches!(error, AssetError::TooLarge { limit: 65_536, .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_regular_file_is_rejected_without_being_opened() {
    let room = Room::new();
    let folder = format!("file:{}", room.folder.path().display());
    for reference in [folder.as_str(), "file:/dev/zero"] {
        let error = room.read(reference).await.unwrap_err();
        assert!(matches!(error, AssetError::NotAFile { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_json_pointer_takes_one_string_of_a_file() {
    let room = Room::new();
    let json = r#"{"aws": {"secret": "abc", "a/b": ["x", "y\n"], "n": 12, "blank": ""}}"#;
    assert_eq!(room.read_file(json, "#/aws/secret").await.unwrap(), "abc");
    assert_eq!(room.read_file(json, "#/aws/a~1b/1").await.unwrap(), "y");
    let check = async |content: &str, pointer: &str| room.read_file(content, pointer).await.unwrap_err();
    assert!(matches!(check(json, "#/aws/n").await, AssetError::NotAString { .. }));
    assert!(matches!(check(json, "#/aws").await, AssetError::NotAString { .. }));
    assert!(matches!(
        check(json, "#/aws/none").await,
        AssetError::NothingAtPointer { .. }
    ));
    assert!(matches!(check(json, "#/aws/blank").await, AssetError::Empty { .. }));
    let error = check("{\"a\":\n  wJalrX}", "#/a").await;
    assert!(matches!(error, AssetError::NotJson { line: 2, .. }), "{error}");
}

#[tokio::test]
async fn an_empty_asset_is_an_error() {
    let room = Room::new();
    assert!(matches!(
        room.read("env:BLANK").await.unwrap_err(),
        AssetError::Empty { .. }
    ));
    for content in ["", "\n", "\r\n\n"] {
        let error = room.read_file(content, "").await.unwrap_err();
        assert!(matches!(error, AssetError::Empty { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_missing_asset_is_distinguished_from_an_unreadable_one() {
    let room = Room::new();
    for reference in ["env:ABSENT", "file:/nonexistent/key"] {
        let error = room.read(reference).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{reference} does not exist"));
    }
    let inside_a_file = format!("file:{}/x", room.file("plain", "x").display());
    assert!(matches!(
        room.read(&inside_a_file).await.unwrap_err(),
        AssetError::Missing { .. }
    ));
    // Root may read anything: a name that is too long fails for everybody.
    let error = room.read(&format!("file:/{}", "x".repeat(300))).await.unwrap_err();
    assert!(matches!(error, AssetError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_text_is_rejected() {
    #[derive(Debug)]
    struct Binary;
    impl Environment for Binary {
        fn variable(&self, _: &str) -> Option<std::ffi::OsString> {
            Some(std::ffi::OsString::from_vec(vec![0xff, 0xfe]))
        }

        fn names(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let room = Room::new();
    let error = room.read_file([b'a', 0xff], "").await.unwrap_err();
    assert!(matches!(error, AssetError::NotUtf8 { .. }), "{error}");
    let error = Assets::new(Binary).read(&"env:X".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, AssetError::NotUtf8 { .. }), "{error}");
}

#[tokio::test]
async fn a_file_is_read_again_each_time() {
    let room = Room::new();
    assert_eq!(room.read_file("old", "").await.unwrap(), "old");
    assert_eq!(room.read_file("new", "").await.unwrap(), "new");
}

#[tokio::test]
async fn keys_are_checked_before_they_are_handed_out() {
    let room = Room::new();
    let file = format!("file:{}", room.file("token", "FwoGZXIvYXdz\n").display());
    let set = room
        .assets
        .keys(&keys("AKIDEXAMPLE", "env:GIVEN", Some(&file)))
        .await
        .unwrap();
    assert_eq!(set.access_key_id.as_str(), "AKIDEXAMPLE");
    assert_eq!(set.secret_access_key.expose(), SECRET);
    assert_eq!(set.session_token.unwrap().expose(), "FwoGZXIvYXdz");

    let bad = format!("file:{}", room.file("bad", "a b\u{7f}").display());
    for (keys, text) in [
        (keys(&bad, "env:GIVEN", None), "cannot be used as an access key id"),
        (keys("AKID", &bad, None), "cannot be used as a secret access key"),
        (
            keys("AKID", "env:GIVEN", Some(&bad)),
            "cannot be used as a session token",
        ),
    ] {
        let error = room.assets.keys(&keys).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{bad} {text}"));
    }
}

#[tokio::test]
async fn an_error_names_the_asset_never_the_value() {
    let room = Room::new();
    let too_long = SECRET.repeat(3_000);
    let botched = format!("{SECRET} {SECRET}");
    let contents: [(&[u8], &str); 4] = [
        (too_long.as_bytes(), ""),
        (botched.as_bytes(), "#/a"),
        (b"{\"a\": {\"wJalrXUtnFEMI\": 1}}", "#/a"),
        (b"wJalrXUtnFEMI\xff", ""),
    ];
    for (content, pointer) in contents {
        let error = room.read_file(content, pointer).await.unwrap_err();
        assert!(error.to_string().contains("file:"), "{error}");
        assert!(!format!("{error} {error:?}").contains("wJal"), "{error:?}");
    }
    let path = format!("file:{}", room.file("botched", &botched).display());
    let error = room.assets.keys(&keys("AKID", &path, None)).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("wJal"), "{error:?}");
    assert!(!format!("{:?}", room.assets).contains("wJal"));
}

/// Everything that is logged, at any level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_file_readable_by_others_is_warned_about_once() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let room = Room::new();
    let reference = format!("file:{}", room.file("open", SECRET).display());
    room.read(&reference).await.unwrap();
    assert!(log.0.lock().unwrap().is_empty(), "a private file is no reason to warn");
    assert_eq!(room.assets.warning(&reference.parse().unwrap()), None);

    fs::set_permissions(room.folder.path().join("open"), fs::Permissions::from_mode(0o644)).unwrap();
    room.read(&reference).await.unwrap();
    room.read(&reference).await.unwrap();
    assert!(room.assets.warning(&reference.parse().unwrap()).is_some());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.matches("readable by every user").count(), 1, "{text}");
    assert!(text.contains(&reference) && !text.contains("wJal"), "{text}");
}
