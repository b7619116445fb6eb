//! An upload in signed chunks, and what of its cost is hashing.
//!
//! Both sides sign the same chunks of the default size, each over the one before it, and then the empty one. Where there
//! is a trailer, its checksum is computed over the same chunks, by the same code on both sides. `sha256` hashes the
//! chunks and does nothing else: no signer that uses this library can be faster.

use std::hint::black_box;

use aws_endpoints::PathEncoding;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::http::Headers;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use http::{HeaderMap, HeaderName, HeaderValue};
use signer::{ChunkSigner, Payload, SignInput, Signer};

use crate::case::{credentials, head, identity, scope, time};

/// The proxy's `chunk_size` where none is configured.
const CHUNK: usize = 64 * 1024;
/// Enough that the head and the end do not show.
const CHUNKS: usize = 64;

const CHECKSUM: &str = "x-amz-checksum-crc64nvme";

/// One upload.
pub(crate) struct Upload {
    chunks: Vec<Bytes>,
    seed: ChunkSigner,
    seed_signature: String,
    identity: Identity,
}

/// What stands behind the chunks.
#[derive(Clone, Copy)]
pub(crate) enum Behind {
    /// Nothing.
    Nothing,
    /// A signed trailer with the CRC-64/NVME of all of them.
    Checksum,
}

impl Upload {
    /// An object of 4 MiB.
    pub(crate) fn new(behind: Behind) -> Self {
        let body: Bytes = (0..=250_u8).cycle().take(CHUNKS * CHUNK).collect();
        let host = "example-bucket.s3.eu-west-1.amazonaws.com";
        let length = body.len().to_string();
        let headers = [("x-amz-decoded-content-length", length.as_str())];
        let signed = Signer::new()
            .sign(
                &head("PUT", host, "/object", PathEncoding::Single, &headers),
                &SignInput {
                    scope: &scope("eu-west-1", "s3"),
                    path_encoding: PathEncoding::Single,
                    credentials: &credentials(None),
                    payload: match behind {
                        Behind::Nothing => Payload::StreamingSigned,
                        Behind::Checksum => Payload::StreamingSignedTrailer,
                    },
                    time: time(),
                },
            )
            .unwrap();
        Self {
            chunks: (0..CHUNKS).map(|at| body.slice(at * CHUNK..(at + 1) * CHUNK)).collect(),
            seed: signed.seed().unwrap(),
            seed_signature: signed.signature().to_owned(),
            identity: identity(None),
        }
    }

    /// Bytes of the object.
    pub(crate) fn length(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// Signs it by this crate; gives the last signature.
    pub(crate) fn ours(&self, behind: Behind) -> String {
        let mut chain = self.seed.clone();
        let mut checksum = Digest::new(CrcAlgorithm::Crc64Nvme);
        for chunk in &self.chunks {
            if let Behind::Checksum = behind {
                checksum.update(chunk);
            }
            chain.sign_chunk(chunk);
        }
        let last = chain.sign_chunk(&[]);
        match behind {
            Behind::Nothing => last.as_str().to_owned(),
            Behind::Checksum => {
                let value = HeaderValue::try_from(checksum.finalize().to_string()).unwrap();
                let trailer = HeaderMap::from_iter([(HeaderName::from_static(CHECKSUM), value)]);
                chain.sign_trailer(&trailer).unwrap().as_str().to_owned()
            }
        }
    }

    /// Signs it by the SDK's signer; gives the last signature.
    pub(crate) fn theirs(&self, behind: Behind) -> String {
        let parameters = v4::SigningParams::builder()
            .identity(&self.identity)
            .region("eu-west-1")
            .name("s3")
            .time(time())
            .settings(())
            .build()
            .unwrap();
        let mut checksum = Digest::new(CrcAlgorithm::Crc64Nvme);
        let mut previous = self.seed_signature.clone();
        for chunk in &self.chunks {
            if let Behind::Checksum = behind {
                checksum.update(chunk);
            }
            previous = v4::sign_chunk(chunk, &previous, &parameters).unwrap().into_parts().1;
        }
        previous = v4::sign_chunk(&Bytes::new(), &previous, &parameters)
            .unwrap()
            .into_parts()
            .1;
        if let Behind::Checksum = behind {
            let mut trailer = Headers::new();
            trailer.insert(CHECKSUM, checksum.finalize().to_string());
            previous = v4::sign_trailer(&trailer, &previous, &parameters)
                .unwrap()
                .into_parts()
                .1;
        }
        previous
    }

    /// Hashes its chunks, and that is all.
    pub(crate) fn hash(&self) {
        for chunk in &self.chunks {
            black_box(digest(&SHA256, chunk));
        }
    }
}
