//! Takes the record of each request: counts it, and writes its line to the log.

use std::sync::Arc;

use proxy_core::metrics::{Metrics, RequestSample};
use proxy_core::pipeline::{Observer, RequestRecord};

use crate::log;

/// The observer of every proxy; passes the record on to a further one where there is one.
#[derive(Debug)]
pub(crate) struct Recorder {
    metrics: Metrics,
    next: Option<Arc<dyn Observer>>,
}

impl Recorder {
    pub(crate) fn new(metrics: Metrics, next: Option<Arc<dyn Observer>>) -> Self {
        Self { metrics, next }
    }
}

impl Observer for Recorder {
    fn finished(&self, record: &RequestRecord) {
        self.metrics.request_ended(&RequestSample {
            connection: record.connection.as_ref(),
            service: record.service.as_ref(),
            method: &record.method,
            status: record.status,
            error: record.error.map(proxy_core::error::ErrorCode::name),
            aws_error: record.aws_error.as_deref(),
            upstream_head: record.timings.upstream_head,
            total: record.timings.total,
            request_bytes: record.bytes_in,
            response_bytes: record.bytes_out,
        });
        log::request(record);
        if let Some(next) = &self.next {
            next.finished(record);
        }
    }
}
