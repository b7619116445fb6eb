//! The files of the system that a program like this one needs: trusted roots, and what names are resolved with.

use std::path::{Path, PathBuf};

use proxy_config::{FileAccess, FilePlace};

/// What the C library reads to resolve names.
const RESOLVER: [&str; 6] = [
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/ld.so.cache",
];

/// Where the C library has the modules that `/etc/nsswitch.conf` names.
const LIBRARIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];

/// Those of them that there are. A link counts for the folder it leads to, so that a file that is put in the place of the
/// one there is within reach too; a file that is none counts for itself.
pub(crate) fn system_files(ca_file: Option<&str>, ca_folders: Option<&str>) -> Vec<FilePlace> {
    let mut places = Vec::new();
    places.extend(RESOLVER.into_iter().filter_map(|path| behind(Path::new(path))));
    let libraries = LIBRARIES
        .into_iter()
        .filter_map(|path| Path::new(path).canonicalize().ok());
    places.extend(libraries.map(|path| of(path, FileAccess::Read)));
    places.extend(roots(ca_file, ca_folders));
    // Everything would be within reach.
    places.retain(|place| place.path.parent().is_some());
    places
}

fn of(path: PathBuf, access: FileAccess) -> FilePlace {
    FilePlace { path, access }
}

fn behind(path: &Path) -> Option<FilePlace> {
    let target = path.canonicalize().ok()?;
    let is_elsewhere = target.parent() != path.parent();
    Some(match target.parent().filter(|_| is_elsewhere) {
        Some(folder) => of(folder.to_owned(), FileAccess::Read),
        None => of(target, FileAccess::Read),
    })
}

/// The trusted roots: `SSL_CERT_FILE` and `SSL_CERT_DIR`, where they are set, and the platform's.
fn roots(ca_file: Option<&str>, ca_folders: Option<&str>) -> Vec<FilePlace> {
    let found = openssl_probe::probe();
    let files = ca_file.map(PathBuf::from).into_iter().chain(found.cert_file);
    let named = ca_folders
        .into_iter()
        .flat_map(std::env::split_paths)
        .collect::<Vec<_>>();
    let folders = named.into_iter().chain(found.cert_dir);
    let mut places = Vec::new();
    for file in files {
        let parents = [
            file.parent().and_then(|folder| folder.canonicalize().ok()),
            folder_of(&file),
        ];
        places.extend(parents.into_iter().flatten().map(|folder| of(folder, FileAccess::Read)));
    }
    for folder in folders.filter_map(|folder| folder.canonicalize().ok()) {
        // Links to certificates elsewhere, as Debian has them.
        let entries = folder.read_dir().into_iter().flatten().flatten();
        places.extend(entries.filter_map(|entry| Some(of(folder_of(&entry.path())?, FileAccess::Read))));
        places.push(of(folder, FileAccess::List));
    }
    places
}

/// The folder that the file really is in.
fn folder_of(file: &Path) -> Option<PathBuf> {
    Some(file.canonicalize().ok()?.parent()?.to_owned())
}
