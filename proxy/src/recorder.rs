//! Takes the record of each request: counts it, and writes its line to the log.

use crate::log;
use crate::metrics::{Metrics, RequestSample};
use crate::pipeline::{Observer, RequestRecord};

/// The observer of a proxy that runs as a program.
#[derive(Debug)]
pub(crate) struct Recorder(Metrics);

impl Recorder {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self(metrics)
    }
}

impl Observer for Recorder {
    fn finished(&self, record: &RequestRecord) {
        self.0.request_ended(&RequestSample {
            connection: record.connection.as_ref(),
            service: record.service.as_ref(),
            method: &record.method,
            status: record.status,
            error: record.error.map(crate::error::ErrorCode::name),
            upstream_head: record.timings.upstream_head,
            total: record.timings.total,
            request_bytes: record.bytes_in,
            response_bytes: record.bytes_out,
        });
        log::request(record);
    }
}
