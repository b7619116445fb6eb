//! Keys in a file that changes.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

struct KeyFile {
    folder: TempDir,
}

impl KeyFile {
    fn new(content: &str) -> Self {
        let file = Self {
            folder: TempDir::new().unwrap(),
        };
        file.rotate(content);
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn rotate(&self, content: &str) {
        std::fs::write(self.path(), content).unwrap();
    }

    fn keys(&self) -> KeyAssets {
        let parts = KeyParts {
            secret_access_key: format!("file:{}", self.path().display()).parse().unwrap(),
            ..key_parts()
        };
        parts.into()
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_file_is_picked_up() {
    let clock = VirtualClock::new();
    let sts = obliging(&clock);
    let file = KeyFile::new("old\n");
    let auth = AuthMethod::AccessKey { keys: file.keys() };
    let source = source(&connection("eu-west-1", auth), &StsSettings::default(), &clock, &sts);
    let secret = async || {
        source
            .credentials()
            .await
            .unwrap()
            .secret_access_key
            .expose()
            .to_owned()
    };
    assert_eq!(secret().await, "old");
    file.rotate("new\n");
    pass(Duration::from_secs(10)).await;
    assert_eq!(secret().await, "old", "nobody waits for the file");
    pass(Duration::from_secs(1)).await;
    assert_eq!(secret().await, "new");

    // A refused set is looked up at once.
    pass(Duration::from_secs(6)).await;
    file.rotate("newer");
    let refused = source.credentials().await.unwrap();
    let renewed = source.refresh_rejected(&refused).await.unwrap();
    assert_eq!(renewed.secret_access_key.expose(), "newer");

    // A file that is gone for a moment does no harm.
    std::fs::remove_file(file.path()).unwrap();
    pass(Duration::from_secs(11)).await;
    assert_eq!(secret().await, "newer");
    pass(Duration::from_secs(1)).await;
    assert!(matches!(
        source.state(),
        CredentialState::Degraded {
            code: "credential_asset",
            ..
        }
    ));
}
