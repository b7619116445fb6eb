//! What a response's body must not show while it streams past: the session token that its request was signed with.
//!
//! A service may show its request to whoever sent it: an echo, a page for finding faults, an error. The token is covered in
//! place, by as many other bytes, so that no length changes and nothing waits for the end of a body.

use std::sync::Arc;

use auth_model::{Credentials, SessionToken};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use memchr::{memchr_iter, memmem};

use super::redaction::{Extent, cut};

/// Shorter ones are no token of AWS's, and stand in bodies by chance. All tokens of AWS's begin with the same 12 to 16
/// characters: as much may pass before it is known whether the rest of a token follows.
const LEAST: usize = 16;

/// So much of a body is looked through where the request succeeded: behind it are the contents of objects.
const LOOKED_THROUGH: usize = 64 * 1024;

/// What covers the token.
const COVER: u8 = b'*';

/// Covers the token in the pieces of one body.
#[derive(Debug)]
pub(super) struct TokenCover {
    credentials: Arc<Credentials>,
    /// Bytes of the body that are still looked through.
    left: usize,
    /// How much of the token the last piece ended with.
    begun: usize,
    /// How much of that has passed.
    passed: usize,
}

impl TokenCover {
    /// `None` where there is no token to cover.
    pub(super) fn new(credentials: &Arc<Credentials>, is_success: bool) -> Option<Self> {
        let token = credentials.session_token.as_ref()?;
        (token.expose().len() >= LEAST).then(|| Self {
            credentials: Arc::clone(credentials),
            left: if is_success { LOOKED_THROUGH } else { usize::MAX },
            begun: 0,
            passed: 0,
        })
    }

    fn token(&self) -> &[u8] {
        let token = self.credentials.session_token.as_ref();
        token.map_or("", SessionToken::expose).as_bytes()
    }

    /// Bytes of the body that are held back.
    pub(super) fn held(&self) -> usize {
        self.begun - self.passed
    }

    /// What of the body may go on.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.left == 0 || piece.is_empty() {
            return piece;
        }
        let (gone, begun) = (self.passed, self.begun);
        self.left = self.left.saturating_sub(piece.len());
        let token = self.token();
        let first = token.get(..LEAST).unwrap_or_default();
        let ends = ends_with_beginning(&piece, token);
        if begun == 0 && ends == 0 && memmem::find(&piece, first).is_none() {
            return piece;
        }
        let mut bytes = BytesMut::with_capacity(begun + piece.len());
        bytes.extend_from_slice(token.get(..begun).unwrap_or_default());
        bytes.extend_from_slice(&piece);
        let found: Vec<usize> = memmem::find_iter(&bytes, first)
            .filter(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(token)))
            .collect();
        let length = token.len();
        for at in found {
            if let Some(shown) = bytes.get_mut(at..at + length) {
                shown.fill(COVER);
            }
        }
        self.begun = if self.left == 0 {
            0
        } else {
            ends_with_beginning(&bytes, self.token())
        };
        let before = bytes.len() - self.begun;
        // Less of it says nothing, and a stream may well end a message by such bytes.
        self.passed = if self.begun < LEAST {
            self.begun
        } else {
            gone.saturating_sub(before)
        };
        // What is held back is a part of the token, which is known.
        bytes.truncate(before + if self.begun < LEAST { self.begun } else { self.passed });
        bytes.freeze().slice(gone..)
    }

    /// What was held back, at the end of the body.
    pub(super) fn take_held(&mut self) -> Option<Bytes> {
        let held = self.token().get(self.passed..self.begun).unwrap_or_default();
        let held = (!held.is_empty()).then(|| Bytes::copy_from_slice(held));
        (self.begun, self.passed) = (0, 0);
        held
    }

    /// Drops trailers that show it.
    pub(super) fn of_trailers(&self, trailers: &mut HeaderMap) {
        let names: Vec<_> = trailers
            .iter()
            .filter(|(_, value)| memmem::find(value.as_bytes(), self.token()).is_some())
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            trailers.remove(name);
        }
    }
}

/// How much of the token the bytes end with, less than all of it.
fn ends_with_beginning(bytes: &[u8], token: &[u8]) -> usize {
    let Some(first) = token.first() else { return 0 };
    let start = bytes.len().saturating_sub(token.len() - 1);
    let end = bytes.get(start..).unwrap_or_default();
    memchr_iter(*first, end)
        .filter_map(|at| end.get(at..))
        .find(|rest| token.starts_with(rest))
        .map_or(0, <[u8]>::len)
}

/// Watches for what a signature was made of, in the rest of an error response whose beginning was not all of it.
#[derive(Debug)]
pub(super) struct Watch {
    extent: Extent,
    /// The last bytes that passed.
    last: Vec<u8>,
}

impl Watch {
    /// Longer than each marker and each name.
    const WINDOW: usize = 64;

    pub(super) fn new(extent: Extent) -> Self {
        Self {
            extent,
            last: Vec::new(),
        }
    }

    /// How many bytes of the piece may still pass; `None` where all may.
    pub(super) fn cut(&mut self, piece: &[u8]) -> Option<usize> {
        let window = [self.last.as_slice(), piece].concat();
        if let Some(kept) = cut(&window, None, self.extent) {
            return Some(kept.len().saturating_sub(self.last.len()));
        }
        let from = window.len().saturating_sub(Self::WINDOW);
        self.last = window.get(from..).unwrap_or_default().to_vec();
        None
    }
}

#[cfg(test)]
mod tests {
    use auth_model::{AccessKeyId, Secret, SecretAccessKey};

    use super::*;

    const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////wEaCXVz+token==";

    fn cover(is_success: bool) -> TokenCover {
        let secret = SecretAccessKey::parse(Secret::new("secret")).unwrap();
        let credentials = Credentials::new(AccessKeyId::parse("AKID").unwrap(), secret);
        let token = SessionToken::parse(Secret::new(TOKEN)).unwrap();
        TokenCover::new(&Arc::new(credentials.with_session_token(token)), is_success).unwrap()
    }

    /// The body in pieces of this size, as it passes.
    fn passed(cover: &mut TokenCover, body: &str, size: usize) -> String {
        let mut text = Vec::new();
        for piece in body.as_bytes().chunks(size) {
            text.extend_from_slice(&cover.push(Bytes::copy_from_slice(piece)));
        }
        text.extend_from_slice(&cover.take_held().unwrap_or_default());
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_token_is_covered_however_the_body_is_cut() {
        let stars = "*".repeat(TOKEN.len());
        let body = format!("IQoJ{TOKEN}{TOKEN} \"IQoJb3JpZ2luX2VjEJr/IQoJb3JpZ2luX2Vj{TOKEN}\" IQoJb3JpZ2luX2Vj");
        for size in 1..body.len() {
            let got = passed(&mut cover(false), &body, size);
            let want = body.replace(TOKEN, &stars);
            assert_eq!(got.len(), want.len(), "{size}");
            // As much as is the same in all tokens may have passed before.
            let rest = &TOKEN[LEAST - 1..];
            assert!(!got.contains(rest), "{size}: {got}");
        }
        assert_eq!(
            passed(&mut cover(false), &body, body.len()),
            body.replace(TOKEN, &stars)
        );
        let other = TOKEN.replace("+token", "-token");
        assert_eq!(passed(&mut cover(false), &other, 7), other);
    }

    #[test]
    fn a_message_that_ends_like_the_beginning_of_a_token_waits_for_nothing() {
        let mut cover = cover(true);
        assert_eq!(cover.push(Bytes::from_static(b"event IQoJb3JpZ2luX2V")).len(), 21);
        assert_eq!(cover.held(), 0);
        assert_eq!(cover.push(Bytes::from_static(b"jEJr//")), Bytes::new());
        assert_eq!(cover.take_held().unwrap(), "jEJr//");
    }

    #[test]
    fn of_a_success_the_beginning_is_looked_through_alone() {
        let body = format!("{}{TOKEN}", "x".repeat(LOOKED_THROUGH));
        assert!(passed(&mut cover(true), &body, 8192).ends_with(TOKEN));
        assert!(!passed(&mut cover(false), &body, 8192).contains(TOKEN));
    }

    #[test]
    fn a_marker_in_two_pieces_is_seen() {
        let mut watch = Watch::new(Extent::Names);
        assert_eq!(watch.cut(b"<Error><Code>a</Code><Canon"), None);
        assert_eq!(watch.cut(b"icalRequest>GET"), Some(0));
        let mut watch = Watch::new(Extent::Sentences);
        assert_eq!(watch.cut(b"<CanonicalRequest>x-amz-security-token:a"), None);
        assert_eq!(watch.cut(b"..The Canonical String for this request should"), Some(2));
    }
}
