//! What bodies are made of: parts of one long random text, which both ends make by themselves.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::{Bytes, BytesMut};

/// The longest part.
pub(super) const LONGEST: usize = 12 << 20;

/// How many places a part can begin at.
const PLACES: usize = 1 << 20;

/// A part of the content. Two parts of more than a few bytes are the same only if they are one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Part {
    pub(super) offset: usize,
    pub(super) length: usize,
}

impl Part {
    /// `place` may be any number.
    pub(super) fn new(place: u64, length: usize) -> Self {
        let offset = usize::try_from(place % PLACES as u64).unwrap_or_default();
        Self { offset, length }
    }
}

#[derive(Debug)]
pub(super) struct Content(Bytes);

impl Content {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = BytesMut::with_capacity(LONGEST + PLACES);
        let mut draw = Draw::new(seed, u64::MAX);
        while bytes.len() < LONGEST + PLACES {
            bytes.extend_from_slice(&draw.next().to_le_bytes());
        }
        Self(bytes.freeze())
    }

    pub(super) fn part(&self, part: Part) -> Bytes {
        self.0.slice(part.offset..part.offset + part.length)
    }

    /// A JSON document with so many letters in it as the part has bytes.
    pub(super) fn json(&self, part: Part) -> Bytes {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = Vec::with_capacity(part.length + 80);
        text.extend_from_slice(br#"{"TableName":"soak","Key":{"id":{"S":""#);
        text.extend(self.part(part).iter().map(|byte| LETTERS[usize::from(byte % 64)]));
        text.extend_from_slice(br#""}}}"#);
        text.into()
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Random numbers that are the same at both ends (splitmix64).
#[derive(Debug)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut draw = Self(seed ^ number.wrapping_mul(0xd605_1b5a_5d1f_3c2d));
        draw.next();
        draw
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of them.
    pub(super) fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap_or_default()]
    }

    /// The index of a share, each drawn in proportion.
    pub(super) fn share(&mut self, shares: &[u64]) -> usize {
        let mut drawn = self.below(shares.iter().sum());
        for (index, share) in shares.iter().enumerate() {
            if drawn < *share {
                return index;
            }
            drawn -= share;
        }
        0
    }
}
