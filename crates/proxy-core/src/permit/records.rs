//! The books of the process, by file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::book::{Book, BookError};

/// Which books are open. Clones are the same: a file has one book, however many connections and configurations name it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records(Arc<Mutex<HashMap<PathBuf, Weak<Book>>>>);

impl Records {
    /// The book of a file, which goes on from what is in it.
    ///
    /// # Errors
    ///
    /// [`BookError`] where the file is there and cannot be read as a record.
    pub(super) fn open(&self, path: &Path) -> Result<Arc<Book>, BookError> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        books.retain(|_, book| book.strong_count() > 0);
        if let Some(book) = books.get(path).and_then(Weak::upgrade) {
            return Ok(book);
        }
        let book = Book::open(path)?;
        books.insert(path.to_owned(), Arc::downgrade(&book));
        Ok(book)
    }

    /// Writes every book that has changed. Blocks.
    pub(crate) fn write(&self) {
        let books: Vec<_> = {
            let books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            books.values().filter_map(Weak::upgrade).collect()
        };
        for book in books {
            book.write();
        }
    }
}
